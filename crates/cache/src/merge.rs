//! Small files that several builders write: an entry with the signatures of all, the list of builders.

use super::export::ExportError;
use super::place::{Content, Place, PlaceError, Replaced, Version};

/// Tries to write a file that others write at the same time, or that is not there afterwards.
const TRIES: usize = 6;

/// What a file is to become; nothing if it is right already.
type Changed = Result<Option<Vec<u8>>, ExportError>;

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Merged {
    /// It had everything already.
    Present,
    /// Something was added.
    Added,
}

/// Writes what `change` makes of the file's content, until it finds nothing to add any more. What another builder writes meanwhile is read
/// and changed again. Each file is read once more after it was written: servers that know no conditions let a later writer win, and a login
/// page takes everything.
///
/// # Errors
/// Those of the place and of `change`; when the file does not stay.
pub(super) fn merge(place: &dyn Place, name: &str, change: &dyn Fn(Option<&[u8]>) -> Changed) -> Result<Merged, ExportError> {
    let mut found = place.read(name)?;
    let mut merged = Merged::Present;
    for _ in 0..TRIES {
        let Some(wanted) = change(found.as_ref().filter(|found| !found.is_page()).map(|found| &*found.bytes))? else { return Ok(merged) };
        let replaced = place.replace(name, &wanted, found.as_ref())?;
        let mut now = place.read(name)?;
        // The place refuses to replace what has not changed: it understands the condition otherwise.
        if replaced == Replaced::Changed && content(now.as_ref()) == content(found.as_ref()) {
            place.write(name, Content::Bytes(&wanted))?;
            now = place.read(name)?;
        }
        found = now;
        merged = Merged::Added;
        if found.as_ref().is_some_and(Version::is_page) {
            return Err(PlaceError::Page { address: place.shown(name) }.into());
        }
    }
    Err(PlaceError::NotStored { address: place.shown(name) }.into())
}

fn content(version: Option<&Version>) -> Option<&[u8]> {
    version.map(|version| &*version.bytes)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use base::digest::Digest;

    /// A place in memory whose writes go through `takes`, which gets what is there and what is written.
    struct Memory<F>(Mutex<Option<Vec<u8>>>, F);

    impl<F: Fn(Option<Vec<u8>>, &[u8]) -> (Replaced, Option<Vec<u8>>) + Sync> Memory<F> {
        fn new(begin: Option<&str>, takes: F) -> Self {
            Self(Mutex::new(begin.map(|text| text.as_bytes().to_vec())), takes)
        }

        fn content(&self) -> Option<Vec<u8>> {
            self.0.lock().unwrap().clone()
        }

        fn put(&self, bytes: &[u8]) -> Replaced {
            let (replaced, now) = (self.1)(self.content(), bytes);
            *self.0.lock().unwrap() = now;
            replaced
        }
    }

    impl<F: Fn(Option<Vec<u8>>, &[u8]) -> (Replaced, Option<Vec<u8>>) + Sync> Place for Memory<F> {
        fn read(&self, _: &str) -> Result<Option<Version>, PlaceError> {
            Ok(self.content().map(|bytes| Version { bytes, tag: None }))
        }

        fn has(&self, _: &Digest, _: u64) -> Result<bool, PlaceError> {
            Ok(false)
        }

        fn write(&self, _: &str, content: Content<'_>) -> Result<(), PlaceError> {
            if let Content::Bytes(bytes) = content {
                *self.0.lock().unwrap() = Some(bytes.to_vec());
            }
            Ok(())
        }

        fn replace(&self, _: &str, bytes: &[u8], _: Option<&Version>) -> Result<Replaced, PlaceError> {
            Ok(self.put(bytes))
        }

        fn shown(&self, name: &str) -> String {
            name.to_owned()
        }
    }

    /// Adds the letter `m`.
    fn mine(found: Option<&[u8]>) -> Changed {
        let mut bytes = found.unwrap_or_default().to_vec();
        Ok((!bytes.contains(&b'm')).then(|| {
            bytes.push(b'm');
            bytes
        }))
    }

    #[test]
    fn what_others_wrote_meanwhile_stays() {
        let first = Mutex::new(true);
        let is_first = || std::mem::take(&mut *first.lock().unwrap());
        // Somebody else, who read the same state, writes a moment later, at a place that knows no conditions.
        let overwriting =
            Memory::new(Some("a"), |_, bytes| (Replaced::Done, Some(if is_first() { b"at".to_vec() } else { bytes.to_vec() })));
        assert_eq!(merge(&overwriting, "x", &mine).unwrap(), Merged::Added);
        assert_eq!(overwriting.content().unwrap(), b"atm");
        // Or a moment earlier, at one that does.
        *first.lock().unwrap() = true;
        let refusing = Memory::new(None, |_, bytes| match is_first() {
            true => (Replaced::Changed, Some(b"t".to_vec())),
            false => (Replaced::Done, Some(bytes.to_vec())),
        });
        assert_eq!(merge(&refusing, "x", &mine).unwrap(), Merged::Added);
        assert_eq!(refusing.content().unwrap(), b"tm");
        assert_eq!(merge(&refusing, "x", &mine).unwrap(), Merged::Present);
    }

    #[test]
    fn places_that_misunderstand_conditions_are_written_to() {
        let refusing = Memory::new(Some("a"), |found, _| (Replaced::Changed, found));
        assert_eq!(merge(&refusing, "x", &mine).unwrap(), Merged::Added);
        assert_eq!(refusing.content().unwrap(), b"am");
    }

    #[test]
    fn a_place_that_keeps_nothing_is_found_out() {
        let forgetting = Memory::new(None, |found, _| (Replaced::Done, found));
        let error = merge(&forgetting, "x", &mine).unwrap_err();
        assert!(matches!(error, ExportError::Place(PlaceError::NotStored { .. })), "{error}");
        let portal = Memory::new(Some("\n<!DOCTYPE html>"), |found, _| (Replaced::Done, found));
        let error = merge(&portal, "x", &mine).unwrap_err();
        assert_eq!(error.to_string(), "`x` was not stored: a web page answers in place of the server");
    }
}

//! Lines of fstab(5), and mounting what they say.

use super::Report;
use system::{SystemError, Target};

const FSTAB: &str = "/etc/fstab";

/// A mark at the end of lines that are written here, so that they are replaced and not repeated.
const MARK: &str = "# by kaon-firstboot";

/// A line, and where in a document it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The place, in words.
    pub place: String,
    /// The line, without its end.
    pub line: String,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Swap,
    Mount,
}

impl Entry {
    fn kind(&self) -> Kind {
        if self.line.split(' ').nth(2) == Some("swap") { Kind::Swap } else { Kind::Mount }
    }
}

/// Puts lines into fstab, in place of those of an earlier time unless they are added.
///
/// # Errors
/// When the file cannot be read or written.
pub(super) fn write(entries: &[Entry], is_added: bool, target: &Target) -> Result<(), SystemError> {
    let before = target.read(FSTAB)?;
    let mut text: String = before.lines().filter(|line| is_added || !line.ends_with(MARK)).map(|line| format!("{line}\n")).collect();
    // fstab(5) has comments in lines of their own only; what follows the sixth field is not read.
    entries.iter().for_each(|Entry { line, .. }| text.push_str(&format!("{line} {MARK}\n")));
    target.replace(FSTAB, 0o644, text.as_bytes())
}

/// A table of one entry, for mount(8), which does not say of several which one failed.
const ONE: &str = "/run/kaon/fstab";

/// Mounts what the lines say, of this system; what fails is reported at its place.
pub(super) fn mount(entries: &[Entry], target: &Target, report: &mut Report) {
    report.take("mounts", target.run("systemctl", &["daemon-reload"], None).map(drop));
    let swaps: Vec<&str> = entries.iter().filter(|entry| entry.kind() == Kind::Swap).map(|entry| entry.place.as_str()).collect();
    if !swaps.is_empty() {
        report.take(&swaps.join(", "), target.run("swapon", &["--all", "--ifexists"], None).map(drop));
    }
    for entry in entries.iter().filter(|entry| entry.kind() == Kind::Mount) {
        report.take(&entry.place, mount_one(entry, target));
    }
}

/// What `mount --all` does for one line: nothing if it is `noauto` or mounted already, or if a device is missing that may be.
fn mount_one(entry: &Entry, target: &Target) -> Result<(), SystemError> {
    target.write(ONE, 0o600, format!("{}\n", entry.line).as_bytes())?;
    let mounted = target.run("mount", &["--all", "--fstab", ONE], None).map(drop);
    target.remove(ONE)?;
    mounted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(line: &str) -> Entry {
        Entry { place: "user-data:3:5: mounts[0]".to_owned(), line: line.to_owned() }
    }

    #[test]
    fn lines_replace_those_of_an_earlier_time() {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::prepare(folder.path()).unwrap();
        target.write(FSTAB, 0o644, b"UUID=1 / ext4 defaults 0 1\n").unwrap();
        let lines = [entry("/dev/sdb1 /data auto nofail 0 2")];
        for _ in 0..2 {
            write(&lines, false, &target).unwrap();
        }
        let once = format!("UUID=1 / ext4 defaults 0 1\n/dev/sdb1 /data auto nofail 0 2 {MARK}\n");
        assert_eq!(target.read(FSTAB).unwrap(), once);
        write(&[entry("/dev/sdc1 /more auto nofail 0 2")], true, &target).unwrap();
        assert_eq!(target.read(FSTAB).unwrap(), format!("{once}/dev/sdc1 /more auto nofail 0 2 {MARK}\n"));
    }

    #[test]
    fn swap_is_not_mounted() {
        let table = [("/swap.img none swap sw,nofail 0 0", Kind::Swap), ("LABEL=swap /srv/swap ext4 defaults 0 2", Kind::Mount)];
        for (line, expected) in table {
            assert_eq!(entry(line).kind(), expected, "{line}");
        }
    }
}

//! User data that other user data names by its address. It is fetched when the network is up; what cannot be fetched is tried again at the
//! next start.

use system::{SystemError, Target, guestinfo};

use super::load::curl_words;
use super::user_data::Reader;
use super::{Wishes, act};

/// Addresses that are still to be fetched. They may contain passwords.
const LEFT: &str = "/var/lib/kaon/includes";

/// So many documents are fetched at most, those that others name included.
const MOST: usize = 32;

/// Keeps addresses for when the network is up.
pub(super) fn prepare(addresses: &[String], target: &Target) -> Result<(), SystemError> {
    if addresses.is_empty() { Ok(()) } else { target.write(LEFT, 0o600, (addresses.join("\n") + "\n").as_bytes()) }
}

/// Whether something is to be fetched.
pub(super) fn is_left(target: &Target) -> Result<bool, SystemError> {
    Ok(target.place(LEFT)?.exists())
}

/// Fetches what is left to, and does what it says.
pub(super) fn run(facts: &serde_json::Value, target: &Target) -> Result<Vec<String>, SystemError> {
    let mut left: Vec<String> = target.read(LEFT)?.lines().map(str::to_owned).collect();
    let (mut complaints, mut failed, mut fetched) = (Vec::new(), Vec::new(), 0);
    let mut reader = Reader::new(facts, &mut complaints);
    while !left.is_empty() {
        let address = left.remove(0);
        let name = format!("#include {}", super::load::without_password(&address));
        fetched += 1;
        if fetched > MOST {
            reader.complaints.push(format!("{name}: more than {MOST} documents are included: it is left out"));
            continue;
        }
        match fetch(&address) {
            Ok(text) => {
                reader.read(&name, &text);
                left.append(&mut reader.found.includes);
            }
            Err(reason) => {
                reader.complaints.push(format!("{name}: {reason}; it is tried again at the next start"));
                failed.push(address);
            }
        }
    }
    let mut wishes = Wishes::of_included(std::mem::take(&mut reader.found));
    complaints.append(&mut wishes.complaints);
    complaints.extend(act::early(&mut wishes, target)?);
    target.remove(LEFT)?;
    prepare(&failed, target)?;
    Ok(complaints)
}

/// Where a document is while it is read: in memory.
const AT: &str = "/run/kaon/include";

fn fetch(address: &str) -> Result<String, String> {
    if !address.starts_with("https://") {
        return Err("not an address that begins with https://".to_owned());
    }
    let longest = guestinfo::LONGEST_BYTES.to_string();
    let words = [&["--max-filesize", longest.as_str()], &curl_words("=https", AT, address)[..]].concat();
    let result = system::program::run("curl", &words, None).map_err(|error| text::with_causes(&error));
    let bytes = result.and_then(|_| std::fs::read(AT).map_err(|error| error.to_string()));
    let _ = std::fs::remove_file(AT);
    bytes.and_then(|bytes| guestinfo::text_of(&bytes).map_err(|error| error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_fetched_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::prepare(folder.path()).unwrap();
        prepare(&[], &target).unwrap();
        assert!(!is_left(&target).unwrap());
        prepare(&["gopher://user:sesame@127.0.0.1/a?token=sesame".to_owned()], &target).unwrap();
        let complaints = run(&serde_json::json!({}), &target).unwrap();
        assert!(complaints.len() == 1 && complaints[0].contains("tried again") && !complaints[0].contains("sesame"), "{complaints:?}");
        assert!(is_left(&target).unwrap());
    }
}

//! Files that an image adds to those of its packages: the user's files, trusted authorities, a host name, a repository.

use std::collections::BTreeSet;
use std::io;
use std::ops::Range;

use serde::Serialize;
use x509_cert::Certificate;

use base::digest::Digest;
use base::document::{Spanned, Table};
use kickstart::{Account, SSH_FILE_MODE, Ssh, SshFile};
use well_known::PUBLIC_KEY;

/// Reads a file next to the image description.
pub type Reader<'a> = &'a dyn Fn(&str) -> io::Result<Vec<u8>>;

/// A file an image adds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct File {
    /// Absolute path in the image.
    pub path: String,
    /// Permission bits.
    pub mode: u16,
    /// SHA-256 of its content.
    pub digest: Digest,
    /// Its content.
    #[serde(skip)]
    pub content: Vec<u8>,
}

/// The directory where update-ca-trust looks for the administrator's authorities.
const ANCHORS: &str = "/etc/pki/anchors";

/// The files for `hostname`, `repository`, `trust`, `[ssh]` and `[files]`, sorted by path.
pub fn files(top: &Table<'_>, read: Reader<'_>) -> Vec<File> {
    let mut files: Vec<File> =
        hostname(top).into_iter().chain(repository(top)).chain(trust(top, read)).chain(ssh(top)).chain(plain(top, read)).collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn file(path: String, mode: u16, content: Vec<u8>) -> File {
    File { path, mode, digest: Digest::of_bytes(&content), content }
}

/// `hostname = "name"`: labels of letters, digits and hyphens, 64 characters in all (hostname(7)).
fn hostname(top: &Table<'_>) -> Option<File> {
    let name = top.string("hostname")?;
    let is_label = |label: &str| {
        let allowed = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        allowed && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    if name.value.len() > 64 || !name.value.split('.').all(is_label) {
        top.problem_with_hint(
            name.span,
            format!("`{}` is not a host name", name.value),
            "use letters, digits and inner hyphens, at most 64 in all",
        );
        return None;
    }
    Some(file("/etc/hostname".into(), 0o644, format!("{}\n", name.value).into_bytes()))
}

/// `repository = "https://…"`: the source of packages for the system. They must be signed by the key that composing adds to the image.
fn repository(top: &Table<'_>) -> Option<File> {
    let address = top.string("repository")?;
    let is_address = ["http://", "https://", "file:///"].iter().any(|scheme| address.value.starts_with(scheme));
    if !is_address || address.value.contains(char::is_whitespace) {
        let hint = "it is the folder that contains `repodata`, such as `https://builder.example/kaon`";
        top.problem_with_hint(address.span, format!("`{}` is not the address of a repository", address.value), hint);
        return None;
    }
    let text =
        format!("[kaon]\nname=Kaon\nbaseurl={}\nenabled=1\ngpgcheck=1\nrepo_gpgcheck=1\ngpgkey=file://{PUBLIC_KEY}\n", address.value);
    Some(file("/etc/yum.repos.d/kaon.repo".into(), 0o644, text.into_bytes()))
}

/// `trust = ["corporate.pem"]`: certificate authorities that programs of the image trust in addition to Mozilla's.
fn trust(top: &Table<'_>, read: Reader<'_>) -> Vec<File> {
    let mut names = BTreeSet::new();
    let certificates = top.strings("trust").into_iter().filter_map(|from| {
        let content = content(top, &from, read)?;
        if Certificate::load_pem_chain(&content).is_err() {
            top.problem_with_hint(
                from.span,
                format!("`{}` contains no certificates in PEM", from.value),
                "`openssl x509 -inform der -in FILE -out FILE.pem` converts one from DER to PEM",
            );
            return None;
        }
        let name = from.value.rsplit('/').next().unwrap_or_default();
        let stem = name.strip_suffix(".pem").or_else(|| name.strip_suffix(".crt")).unwrap_or(name);
        if !names.insert(stem.to_owned()) {
            top.problem(from.span, format!("two files of certificate authorities are named `{stem}`"));
            return None;
        }
        Some(file(format!("{ANCHORS}/{stem}.pem"), 0o644, content))
    });
    certificates.collect()
}

/// `[ssh]`: whose certificates let users in. Certificates of the server's keys are not here: an image has no keys.
fn ssh(top: &Table<'_>) -> Vec<File> {
    let Some(table) = top.table("ssh") else { return Vec::new() };
    let mut ssh =
        Ssh { trusted_user_ca: read_each(&table, "trusted-user-ca"), revoked_keys: read_each(&table, "revoked-keys"), ..Ssh::default() };
    if let Some(principals) = table.table("principals") {
        for entry in principals.entries() {
            let names = read_each(&principals, &entry.key.value);
            if let Some(user) = read_one::<Account>(&principals, entry.key) {
                ssh.principals.insert(user, names);
            }
        }
    }
    table.finish();
    ssh.files().into_iter().map(|SshFile { path, content }| file(path, SSH_FILE_MODE, content.into_bytes())).collect()
}

/// Values of a list, each of which is checked.
fn read_each<T: TryFrom<String, Error = String>>(table: &Table<'_>, key: &str) -> Vec<T> {
    table.strings(key).into_iter().filter_map(|text| read_one(table, text)).collect()
}

fn read_one<T: TryFrom<String, Error = String>>(table: &Table<'_>, text: Spanned<String>) -> Option<T> {
    T::try_from(text.value).map_err(|message| table.problem(text.span, message)).ok()
}

/// `[files]`: path in the image → file next to the description, or `{ from = "…", mode = "0600" }`.
fn plain(top: &Table<'_>, read: Reader<'_>) -> Vec<File> {
    let Some(table) = top.table("files") else { return Vec::new() };
    let entries = table.entries().into_iter().filter_map(|entry| {
        let (from, mode) = match table.string_or_table(&entry.key.value)? {
            Ok(from) => (from, 0o644),
            Err(inner) => {
                let from = inner.required_string("from");
                let mode = inner.string("mode").map_or(Some(0o644), |text| mode(&inner, &text));
                inner.finish();
                (from?, mode?)
            }
        };
        let path = absolute(&table, &entry.key)?;
        Some(file(path, mode, content(&table, &from, read)?))
    });
    entries.collect()
}

/// Directories that a running system mounts file systems on (file-hierarchy(7)).
const COVERED: [&str; 5] = ["/dev/", "/proc/", "/run/", "/sys/", "/tmp/"];

fn absolute(table: &Table<'_>, path: &Spanned<String>) -> Option<String> {
    if COVERED.iter().any(|directory| path.value.starts_with(directory)) {
        let message = format!("`{}` would not be seen: a running system has a file system of its own there", path.value);
        table.problem_with_hint(path.span.clone(), message, "describe it in a file of `/etc/tmpfiles.d`, which creates it at each start");
        return None;
    }
    let is_normal = |rest: &str| rest.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if path.value.strip_prefix('/').is_some_and(is_normal) && !path.value.contains(char::is_control) {
        return Some(path.value.clone());
    }
    table.problem_with_hint(
        path.span.clone(),
        format!("`{}` is not an absolute path", path.value),
        "write it from `/`, without `.` and `..`",
    );
    None
}

fn mode(table: &Table<'_>, text: &Spanned<String>) -> Option<u16> {
    let mode = u16::from_str_radix(&text.value, 8).ok().filter(|mode| *mode <= 0o777);
    if mode.is_none() {
        table.problem_with_hint(text.span.clone(), format!("`{}` is not a mode", text.value), "write it in octal, `0600`");
    }
    mode
}

fn content(table: &Table<'_>, from: &Spanned<String>, read: Reader<'_>) -> Option<Vec<u8>> {
    let span: Range<usize> = from.span.clone();
    match read(&from.value) {
        Ok(content) => Some(content),
        Err(error) => {
            let message = format!("cannot read `{}`: {error}", from.value);
            let hint = match error.kind() {
                io::ErrorKind::InvalidInput | io::ErrorKind::FileTooLarge => "name a regular file of at most 1 GiB",
                _ => "paths are relative to the folder of this file",
            };
            table.problem_with_hint(span, message, hint);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::document::Document;

    fn read(name: &str) -> io::Result<Vec<u8>> {
        if name == "there" { Ok(b"content".to_vec()) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    #[test]
    fn requested_files() {
        let text = "hostname = \"a-1.example\"\n[files]\n\"/etc/motd\" = \"there\"\n\"/etc/key\" = { from = \"there\", mode = \"0600\" }\n";
        let files = Document::new("x.toml", text).read(|top| files(top, &read)).unwrap();
        let seen: Vec<_> = files.iter().map(|file| (file.path.as_str(), file.mode, file.content.as_slice())).collect();
        assert_eq!(
            seen,
            [("/etc/hostname", 0o644, &b"a-1.example\n"[..]), ("/etc/key", 0o600, &b"content"[..]), ("/etc/motd", 0o644, &b"content"[..])]
        );
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            ("hostname = \"-a\"", "is not a host name"),
            ("repository = \"builder\"", "is not the address of a repository"),
            ("trust = [\"there\"]", "contains no certificates"),
            ("trust = [\"gone\"]", "cannot read `gone`"),
            ("[files]\n\"etc/motd\" = \"there\"", "is not an absolute path"),
            ("[files]\n\"/etc/../motd\" = \"there\"", "is not an absolute path"),
            ("[files]\n\"/etc/motd\" = { from = \"there\", mode = \"0999\" }", "is not a mode"),
            ("[files]\n\"/etc/motd\" = { form = \"there\" }", "unknown key `form`"),
        ];
        for (text, expected) in cases {
            let problems = Document::new("x.toml", text).read(|top| files(top, &read)).err().unwrap_or_default();
            assert!(problems.iter().any(|problem| problem.message.contains(expected)), "{text}: {problems:?}");
        }
    }
}

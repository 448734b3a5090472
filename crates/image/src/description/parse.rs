//! From the text of an image file to a checked [`Image`].

use std::sync::Arc;

use super::files::{self, Reader};
use super::{Access, Budget, Container, Image, machine, medium};
use base::diagnostic::{Problem, SourceText};
use base::document::{Document, Table};
use base::name::PackageName;

/// Reads an image description. `path` is the file's path as shown to the user; `beside` reads the files that it names.
///
/// # Errors
/// All problems of the file.
pub fn parse(name: &PackageName, path: &str, text: &str, beside: Reader<'_>) -> Result<Image, Vec<Problem>> {
    let document = Document::new(path, text);
    let source = Arc::clone(document.source());
    document.read_whole(|top| read(name, source, top, beside))
}

fn read(name: &PackageName, source: Arc<SourceText>, top: &Table<'_>, beside: Reader<'_>) -> Option<Image> {
    let summary = top.required_string("summary");
    let packages: Vec<PackageName> = top.parsed_list("packages").into_iter().map(|name| name.value).collect();
    if packages.is_empty() {
        top.problem_with_hint(
            top.span_of("packages").unwrap_or(0..0),
            "this image contains no packages",
            "`packages = [\"minimal\"]` is the smallest that boots",
        );
    }
    let kernel = top.string("kernel").map(|flavour| flavour.value);
    let (enable, disable) = services(top);
    let access = access(top);
    let files = files::files(top, beside);
    let budget = budget(top);
    let iso = medium::iso(top, kernel.is_some());
    let container = container(top);
    let (disk, ova) = (machine::disk(top), machine::ova(top));
    let (name, summary) = (name.clone(), summary?.value);
    Some(Image { name, source, summary, packages, kernel, enable, disable, access, files, budget, iso, container, disk, ova })
}

fn services(top: &Table<'_>) -> (Vec<String>, Vec<String>) {
    let Some(table) = top.table("services") else { return (Vec::new(), Vec::new()) };
    let enable: Vec<String> = table.strings("enable").into_iter().map(|unit| unit_name(unit.value)).collect();
    let mut disable = Vec::new();
    for unit in table.strings("disable") {
        let name = unit_name(unit.value);
        if enable.contains(&name) {
            table.problem(unit.span, format!("`{name}` is in `enable`, too"));
        } else {
            disable.push(name);
        }
    }
    table.finish();
    (enable, disable)
}

/// The name of a unit; without a kind it is a service, as for systemctl(1).
fn unit_name(text: String) -> String {
    if text.contains('.') { text } else { format!("{text}.service") }
}

fn access(top: &Table<'_>) -> Access {
    let Some(table) = top.table("root") else { return Access::default() };
    let password_hash = table.string("password-hash").and_then(|hash| {
        if hash.value.starts_with('$') && kickstart::is_hash(&hash.value) {
            return Some(hash.value);
        }
        table.problem_with_hint(
            hash.span,
            "not a password hash",
            "`openssl passwd -6` makes one; never write a plain-text password to a file",
        );
        None
    });
    let mut ssh_keys = Vec::new();
    for key in table.strings("ssh-keys") {
        match kickstart::check_authorized_key(&key.value) {
            Ok(()) => ssh_keys.push(key.value),
            Err(error) => table.problem_with_hint(key.span, error.to_string(), error.hint()),
        }
    }
    table.finish();
    Access { password_hash, ssh_keys }
}

fn budget(top: &Table<'_>) -> Budget {
    let Some(table) = top.table("budget") else { return Budget::default() };
    let number = |key: &str| table.integer(key, 1..=1 << 30).map(|number| number.value);
    let budget = Budget { iso_mib: number("iso-mib"), rootfs_mib: number("rootfs-mib"), packages: number("packages") };
    table.finish();
    budget
}

fn container(top: &Table<'_>) -> Container {
    let Some(table) = top.table("container") else { return Container::default() };
    let command: Vec<String> = table.strings("command").into_iter().map(|word| word.value).collect();
    if let (Some(span), true) = (table.span_of("command"), command.first().is_none_or(String::is_empty)) {
        let hint = "write the program and its arguments, such as [\"/usr/bin/bash\"], or leave the key out";
        table.problem_with_hint(span, "`command` names no program", hint);
    }
    let tag = table.string("tag").and_then(|tag| {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        if tag.value.len() <= 128 && tag.value.bytes().all(is_word) && tag.value.starts_with(|first: char| first.is_alphanumeric()) {
            return Some(tag.value);
        }
        table.problem(tag.span, format!("`{}` is not a tag: use at most 128 letters, digits, `_`, `.` and `-`", tag.value));
        None
    });
    let names = |key| table.parsed_list(key).into_iter().map(|name| name.value).collect();
    let (layers, only) = (names("layers"), names("only"));
    table.finish();
    Container { tag, command, layers, only }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::description::Iso;

    const MINIMAL: &str = "summary = \"x\"\npackages = [\"minimal\"]\nkernel = \"esx\"\n[iso]\nlabel = \"KAON\"\n";

    fn nothing(_: &str) -> std::io::Result<Vec<u8>> {
        Err(std::io::ErrorKind::NotFound.into())
    }

    fn messages(text: &str) -> Vec<String> {
        let problems = parse(&"x".parse().unwrap(), "images/x.toml", text, &nothing).err().unwrap_or_default();
        problems.into_iter().map(|problem| problem.message).collect()
    }

    #[test]
    fn root_cannot_log_in_by_default() {
        let image = parse(&"x".parse().unwrap(), "images/x.toml", MINIMAL, &nothing).unwrap();
        assert_eq!(image.access, Access::default());
    }

    #[test]
    fn units_are_services_unless_they_say_otherwise() {
        let text = MINIMAL.replace("[iso]", "[services]\nenable = [\"docker\", \"a.socket\"]\ndisable = [\"b\"]\n[iso]");
        let image = parse(&"x".parse().unwrap(), "images/x.toml", &text, &nothing).unwrap();
        assert_eq!((image.enable, image.disable), (vec!["docker.service".into(), "a.socket".into()], vec!["b.service".into()]));
        assert_eq!(messages(&text.replace("[\"b\"]", "[\"docker.service\"]")), ["`docker.service` is in `enable`, too"]);
    }

    #[test]
    fn a_medium_needs_no_description() {
        let read = |text: &str| parse(&"x".parse().unwrap(), "images/x.toml", text, &nothing).unwrap().iso;
        assert_eq!(read(&MINIMAL.replace("[iso]\nlabel = \"KAON\"\n", "")), Some(Iso::default()));
        assert_eq!(read(&MINIMAL.replace("label = \"KAON\"", "arguments = [\"quiet\"]")).unwrap().label, "KAON");
        assert_eq!(read("summary = \"x\"\npackages = [\"minimal\"]\n"), None);
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            ("label = \"KAON\"", "label = \"kaon\"", "is not a volume label"),
            ("kernel", "kernal", "unknown key `kernal`"),
            ("[\"minimal\"]", "[]", "contains no packages"),
            ("[iso]", "[root]\npassword-hash = \"secret\"\n[iso]", "not a password hash"),
            ("[iso]", "[root]\npassword-hash = \"$6$salt$short\"\n[iso]", "not a password hash"),
            ("[iso]", "[root]\npassword-hash = \"*\"\n[iso]", "not a password hash"),
            ("[iso]", "[container]\ncommand = []\n[iso]", "`command` names no program"),
            ("[iso]", "[container]\ncommand = [\"\", \"x\"]\n[iso]", "`command` names no program"),
            ("[iso]", "[files]\n\"/dev/x\" = \"x\"\n[iso]", "`/dev/x` would not be seen"),
            ("[iso]", "[files]\n\"/run/a/b\" = \"x\"\n[iso]", "`/run/a/b` would not be seen"),
            ("[iso]", "[ova]\nfirmware = \"uefi\"\n[iso]", "the firmware must be"),
            ("[iso]", "[root]\nssh-keys = [\"secret\"]\n[iso]", "not a public key"),
            ("[iso]", "[root]\nssh-keys = [\"ssh-rsa AAAA\"]\n[iso]", "damaged or cut off"),
            ("[iso]", "[root]\nssh-keys = [\"ssh-dss AAAA\"]\n[iso]", "takes no keys of the type `ssh-dss`"),
            ("[iso]", "[ssh]\ntrusted-user-ca = [\"secret\"]\n[iso]", "write a public key"),
            ("[iso]", "[ssh.principals]\n\"a/b\" = [\"ops\"]\n[iso]", "`a/b` is not a user's name"),
            ("[iso]", "[ssh]\nhost-certificates = []\n[iso]", "unknown key `host-certificates`"),
        ];
        for (from, to, expected) in cases {
            let found = messages(&MINIMAL.replace(from, to));
            assert!(found.iter().any(|message| message.contains(expected)), "{to}: {found:?}");
        }
    }
}

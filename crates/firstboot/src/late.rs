//! What takes the network or the container engine: it is left for when they are up.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use text::quote;

use super::cloud::{CloudConfig, Command, Mode, PhoneHome, PowerState, WriteFile};
use super::{Wishes, load};
use system::{SystemError, Target};

/// The unit that runs when network and container engine are up, if it is started.
pub(super) const UNIT: &str = "kaon-firstboot-late.service";

/// The scripts, which run in the order of their names; in memory, for they may contain secrets.
const SCRIPTS: &str = "/run/kaon/firstboot-late";

/// A script and its name.
type Script = (String, String);

/// Leaves packages, commands and all else.
pub(super) fn prepare(wishes: &Wishes, target: &Target) -> Result<(), SystemError> {
    if !wishes.is_added {
        left(target)?.iter().try_for_each(|place| fs::remove_file(place).map_err(SystemError::io("remove", place)))?;
    }
    for (name, text) in scripts(wishes) {
        let mut path = format!("{SCRIPTS}/{name}");
        // What is included comes behind what includes it.
        while target.place(&path)?.exists() {
            path.push('+');
        }
        target.write(&path, 0o700, text.as_bytes())?;
    }
    Ok(())
}

/// All scripts, in the order of cloud-init's stages.
pub(super) fn scripts(wishes: &Wishes) -> Vec<Script> {
    let cloud = &wishes.cloud;
    let of_lines = |name: &str, lines: String| (!lines.is_empty()).then(|| (name.to_owned(), format!("#!/bin/sh\n{lines}")));
    let files = of_lines("10-files", cloud.write_files.iter().filter(|file| file.source.is_some()).map(download).collect());
    let own = wishes.scripts.iter().enumerate().map(|(index, script)| (format!("30-script-{:03}", index + 1), script.clone()));
    let commands = cloud.runcmd.iter().map(Command::line).filter(|line| !switches_off(line));
    let commands = of_lines("40-runcmd", commands.map(|line| line + "\n").collect());
    let first = files.into_iter().chain(of_lines("20-packages", packages(cloud)));
    first.chain(own).chain(commands).chain(of_lines("50-end", end(cloud, &wishes.instance))).collect()
}

/// Whether a command switches cloud-init off, as the documents that virt-install writes do at their end. Nothing is done twice anyway, and
/// the directory it writes to is not there.
fn switches_off(line: &str) -> bool {
    const MARK: &str = "/etc/cloud/cloud-init.disabled";
    let words: Vec<&str> = line.split_whitespace().map(|word| word.trim_matches(['"', '\''])).collect();
    let is_plain = words.iter().find(|word| **word != "sudo").is_some_and(|word| matches!(*word, "echo" | "touch"));
    is_plain && words.last().is_some_and(|word| word.trim_start_matches('>') == MARK) && !line.contains([';', '&', '|'])
}

fn packages(cloud: &CloudConfig) -> String {
    let mut lines = String::new();
    if cloud.package_update {
        lines.push_str("tdnf makecache\n");
    }
    if cloud.package_upgrade {
        lines.push_str("tdnf -y update\n");
    }
    if !cloud.packages.is_empty() {
        let names: Vec<String> = cloud.packages.iter().map(|package| quote(&package.wanted)).collect();
        let _ = writeln!(lines, "tdnf -y install {}", names.join(" "));
    }
    lines
}

/// Fetches a file; what it contains otherwise is there already if that fails.
fn download(file: &WriteFile) -> String {
    let Some(source) = &file.source else { return String::new() };
    let headers: Vec<String> =
        source.headers.iter().map(|(name, value)| format!("--header {}", quote(&format!("{name}: {}", value.0)))).collect();
    let (path, fresh) = (quote(&file.path), quote(&format!("{}.kaon-new", file.path)));
    let folder = quote(file.path.rsplit_once('/').map_or("/", |(folder, _)| if folder.is_empty() { "/" } else { folder }));
    let mode = file.permissions.map_or(0o644, |permissions| permissions.bits);
    let put = if file.append { format!("cat {fresh} >>{path} && rm -f {fresh}") } else { format!("mv -f {fresh} {path}") };
    let owner = file.owner.as_ref().map_or_else(String::new, |owner| format!(" && chown -h -- {} {path}", quote(owner)));
    let otherwise = if file.content.is_empty() {
        String::new()
    } else {
        // Bytes pass a shell as octal numbers.
        let bytes: String = file.content.iter().map(|byte| format!("\\0{byte:03o}")).collect();
        format!(" || {{ printf '%b' '{bytes}' >{fresh} && chmod {mode:04o} {fresh} && {put}{owner}; }}")
    };
    format!(
        "mkdir -p {folder}\n(umask 077; curl --disable --fail --silent --show-error --location --proto =http,https --retry 5 --retry-all-errors \
         --retry-delay 10 --connect-timeout 15 {}--output {fresh} -- {}) && chmod {mode:04o} {fresh} && {put}{owner}{otherwise} || \
         echo {} >&2\n",
        headers.iter().map(|header| header.clone() + " ").collect::<String>(),
        quote(&source.uri.0),
        quote(&format!("write_files: {}: it cannot be fetched", file.path)),
    )
}

/// What comes last.
fn end(cloud: &CloudConfig, instance: &str) -> String {
    let mut lines = cloud.phone_home.as_ref().map(|wanted| phone_home(wanted, instance)).unwrap_or_default();
    if let Some(message) = &cloud.final_message {
        let _ = writeln!(lines, "UPTIME=$(cut -d ' ' -f 1 /proc/uptime) TIMESTAMP=$(date -R) VERSION=kaon DATASOURCE=");
        let _ = writeln!(lines, "echo \"{}\"", message_text(message));
    }
    lines + &cloud.power_state.as_ref().map(power_state).unwrap_or_default()
}

/// A message in which nothing but cloud-init's variables is expanded.
fn message_text(message: &str) -> String {
    let mut text = message
        .trim_end()
        .replace("## template: jinja\n", "")
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('`', "\\`")
        .replace('$', "\\$");
    for name in ["UPTIME", "TIMESTAMP", "VERSION", "DATASOURCE", "uptime", "timestamp", "version", "datasource"] {
        let variable = format!("${}", name.to_uppercase());
        text = text.replace(&format!("\\${name}"), &variable).replace(&format!("\\${{{name}}}"), &variable);
        text = text.replace(&format!("{{{{{name}}}}}"), &variable).replace(&format!("{{{{ {name} }}}}"), &variable);
    }
    text
}

fn phone_home(PhoneHome { url, post, tries }: &PhoneHome, instance: &str) -> String {
    let wants = |name: &str| post.is_empty() || post.iter().any(|word| word == "all" || word == name);
    let mut data = String::new();
    for kind in ["rsa", "ecdsa", "ed25519"] {
        let name = format!("pub_key_{kind}");
        if wants(&name) {
            let file = format!("/etc/ssh/ssh_host_{kind}_key.pub");
            let _ = write!(data, " $(test -f {file} && echo --data-urlencode {name}@{file})");
        }
    }
    if wants("instance_id") {
        let _ = write!(data, " --data-urlencode {}", quote(&format!("instance_id={instance}")));
    }
    if wants("hostname") {
        data.push_str(" --data-urlencode \"hostname=$(uname -n)\"");
    }
    if wants("fqdn") {
        data.push_str(" --data-urlencode \"fqdn=$(uname -n)\"");
    }
    // curl counts the tries after the first one.
    let tries = tries.unwrap_or(10).saturating_sub(1);
    format!(
        "curl --disable --fail --silent --show-error --output /dev/null --proto =http,https --retry {tries} --retry-all-errors --connect-timeout 15{data} -- {}\n",
        quote(&with_instance(&url.0, instance))
    )
}

/// An address in which cloud-init's variable stands for the system, in any of the forms that its templates have.
fn with_instance(url: &str, instance: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let encoded: String =
        instance.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect();
    ["${INSTANCE_ID}", "{{INSTANCE_ID}}", "$INSTANCE_ID"].into_iter().fold(url.to_owned(), |url, name| url.replace(name, &encoded))
}

fn power_state(wanted: &PowerState) -> String {
    // This is the end, so that no end is waited for.
    let PowerState { mode, delay, message, condition, timeout: _ } = wanted;
    let option = match mode {
        Mode::Reboot => "-r",
        Mode::Poweroff => "-P",
        Mode::Halt => "-H",
    };
    let time = if delay.0 == 0 { "now".to_owned() } else { format!("+{}", delay.0) };
    let message = message.as_ref().map_or_else(String::new, |line| format!(" {}", quote(&line.0)));
    let condition = condition.as_ref().map(|command| command.line()).filter(|line| line != "true" && line != "True");
    match condition {
        Some(line) if line == "false" || line == "False" => String::new(),
        Some(line) => format!("if ( {line}\n) >/dev/null 2>&1; then shutdown {option} {time}{message}; fi\n"),
        None => format!("shutdown {option} {time}{message}\n"),
    }
}

/// The scripts that were left, in their order.
fn left(target: &Target) -> Result<Vec<std::path::PathBuf>, SystemError> {
    let folder = target.folder(SCRIPTS)?;
    let mut paths: Vec<_> = fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

/// Whether something was left, now or at an earlier start.
pub(super) fn is_left(target: &Target) -> Result<bool, SystemError> {
    Ok(!left(target)?.is_empty() || load::is_left(target)?)
}

/// Has the running system start a unit when that one's time comes.
pub(super) fn start(unit: &str, target: &Target) -> Option<String> {
    if target.root() != Path::new("/") {
        return None;
    }
    let started = target.run("systemctl", &["start", "--no-block", unit], None);
    started.err().map(|error| format!("{unit}: {}", text::with_causes(&error)))
}

/// Does what was left: images and containers first, which commands may want. A script that fails stops none of the others.
pub(super) fn run(target: &Target) -> Result<Vec<String>, SystemError> {
    let mut report = load::run(target)?;
    let mut scripts = Vec::new();
    for place in left(target)? {
        scripts.push((place.clone(), fs::read(&place).map_err(SystemError::io("read", &place))?));
    }
    let mut failed = None;
    for (place, script) in scripts {
        // It is removed before it runs: it may restart the machine, and it may contain secrets.
        fs::remove_file(&place).map_err(SystemError::io("remove", &place))?;
        let name = place.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match target.run_text(&format!("the commands of the first start ({name})"), &script) {
            Ok(said) => report.push(said),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    failed.map_or(Ok(report), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_included_comes_on_top() {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::prepare(folder.path()).unwrap();
        let wishes = |script: &str, is_added| Wishes { scripts: vec![script.to_owned()], is_added, ..Wishes::default() };
        let names = || left(&target).unwrap().iter().map(|place| fs::read_to_string(place).unwrap()).collect::<Vec<_>>();
        prepare(&wishes("one", false), &target).unwrap();
        prepare(&wishes("two", true), &target).unwrap();
        assert_eq!(names(), ["one", "two"]);
        // A document that changed before it was done is done once.
        prepare(&wishes("three", false), &target).unwrap();
        assert_eq!(names(), ["three"]);
    }

    #[test]
    fn what_switches_cloud_init_off_is_left_out() {
        let table = [
            ("echo \"Disabled by virt-install\" > /etc/cloud/cloud-init.disabled", true),
            ("sudo touch /etc/cloud/cloud-init.disabled", true),
            ("echo off >/etc/cloud/cloud-init.disabled", true),
            ("touch /etc/a; touch /etc/cloud/cloud-init.disabled", false),
            ("rm /etc/cloud/cloud-init.disabled", false),
            ("echo done", false),
        ];
        for (line, expected) in table {
            assert_eq!(switches_off(line), expected, "{line}");
        }
    }

    #[test]
    fn the_system_s_name_is_put_into_an_address() {
        for url in ["https://a.example/$INSTANCE_ID/x", "https://a.example/${INSTANCE_ID}/x", "https://a.example/{{INSTANCE_ID}}/x"] {
            assert_eq!(with_instance(url, "i-1/2"), "https://a.example/i-1%2F2/x", "{url}");
        }
        assert_eq!(with_instance("https://a.example/$X", "i"), "https://a.example/$X");
    }

    #[test]
    fn messages_expand_nothing_but_their_variables() {
        let table = [
            ("up $UPTIME s\n", "up $UPTIME s"),
            ("{{ uptime }} ${TIMESTAMP} $uptime", "$UPTIME $TIMESTAMP $UPTIME"),
            ("$(reboot) `id` \"x\" \\", "\\$(reboot) \\`id\\` \\\"x\\\" \\\\"),
        ];
        for (message, expected) in table {
            assert_eq!(message_text(message), expected);
        }
    }
}

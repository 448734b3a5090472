//! Settings of the system and its services.

use std::fmt::Write as _;
use std::path::Path;

use super::Report;
use crate::cloud::{CloudConfig, Keyboard, Line, Locale, Ntp, Proxy, ResolvConf, TimeZone, YumRepo};
use system::{SystemError, Target};

pub(super) fn apply(cloud: &CloudConfig, target: &Target, report: &mut Report) {
    report.take("proxy", proxy(&cloud.proxy, target));
    if let Some(zone) = &cloud.timezone {
        report.take("timezone", timezone(zone, target));
    }
    if let Some(Locale(Some(name))) = &cloud.locale {
        report.take("locale", locale(name, target));
    }
    if let Some(keyboard) = &cloud.keyboard {
        report.take("keyboard", console(keyboard, target));
    }
    if let Some(wanted) = &cloud.ntp {
        report.take("ntp", ntp(wanted, target));
    }
    if let Some(wanted) = &cloud.resolv_conf {
        report.take("resolv_conf", resolver(wanted, target));
    }
    for (name, repository) in &cloud.yum_repos {
        report.take(&format!("yum_repos: {name}"), yum_repo(name, repository, target));
    }
}

fn proxy(Proxy { http, https, no_proxy }: &Proxy, target: &Target) -> Result<(), SystemError> {
    let mut pairs = Vec::new();
    for (name, value) in [("http_proxy", http), ("https_proxy", https), ("no_proxy", no_proxy)] {
        let Some(value) = value else { continue };
        pairs.extend([(name.to_owned(), &value.0), (name.to_uppercase(), &value.0)]);
    }
    if pairs.is_empty() {
        return Ok(());
    }
    let (mut manager, mut shell) = (String::from("[Manager]\n"), String::new());
    for (name, value) in pairs {
        let _ = writeln!(manager, "DefaultEnvironment=\"{name}={value}\"");
        let _ = writeln!(shell, "export {name}='{value}'");
    }
    target.write("/etc/systemd/system.conf.d/50-proxy.conf", 0o644, manager.as_bytes())?;
    target.write("/etc/profile.d/proxy.sh", 0o644, shell.as_bytes())?;
    on_running(target, &["daemon-reexec"])
}

/// Asks the running system's systemd for something.
fn on_running(target: &Target, words: &[&str]) -> Result<(), SystemError> {
    if target.root() == Path::new("/") { target.run("systemctl", words, None).map(drop) } else { Ok(()) }
}

fn timezone(TimeZone(zone): &TimeZone, target: &Target) -> Result<(), SystemError> {
    if !target.place(&format!("/usr/share/zoneinfo/{zone}"))?.is_file() {
        return Err(SystemError::refused(&format!("`{zone}` is not a time zone that this system knows")));
    }
    target.symlink("/etc/localtime", &format!("../usr/share/zoneinfo/{zone}"))
}

fn locale(name: &str, target: &Target) -> Result<(), SystemError> {
    // glibc's own way to write a locale's directory: `en_GB.utf8`. Some need none: glibc itself contains them.
    let folder = name
        .split_once('.')
        .map_or_else(|| name.to_owned(), |(language, charset)| format!("{language}.{}", charset.to_ascii_lowercase().replace('-', "")));
    let is_there = matches!(folder.as_str(), "C" | "POSIX" | "C.utf8") || target.place(&format!("/usr/lib/locale/{folder}"))?.is_dir();
    if !is_there {
        return Err(SystemError::refused(&format!("`{name}` is not installed: programs go on using C.UTF-8")));
    }
    target.write("/etc/locale.conf", 0o644, format!("LANG={name}\n").as_bytes())
}

fn console(Keyboard { layout, model, variant, options }: &Keyboard, target: &Target) -> Result<(), SystemError> {
    let word = |key: &str, value: Option<&str>| value.map_or_else(String::new, |value| format!("{key}={}\n", text::quote(value)));
    let line = |line: &Option<Line>| line.as_ref().map(|line| line.0.clone());
    let text = word("KEYMAP", Some(&layout.0))
        + &word("XKBLAYOUT", Some(&layout.0))
        + &word("XKBMODEL", line(model).as_deref())
        + &word("XKBVARIANT", line(variant).as_deref())
        + &word("XKBOPTIONS", line(options).as_deref());
    target.write("/etc/vconsole.conf", 0o644, text.as_bytes())?;
    if target.has("loadkeys") {
        Ok(())
    } else {
        Err(SystemError::refused("it is written down, but no program is installed that loads keymaps"))
    }
}

// Another client than this one is reported where the document is read.
fn ntp(Ntp { enabled, servers, pools, ntp_client: _ }: &Ntp, target: &Target) -> Result<(), SystemError> {
    if *enabled == Some(false) {
        return target.symlink("/etc/systemd/system/systemd-timesyncd.service", "/dev/null");
    }
    let names: Vec<&str> = servers.iter().chain(pools).map(|line| line.0.as_str()).collect();
    if names.is_empty() {
        return Ok(());
    }
    target.write("/etc/systemd/timesyncd.conf.d/50-firstboot.conf", 0o644, format!("[Time]\nNTP={}\n", names.join(" ")).as_bytes())
}

fn resolver(ResolvConf { nameservers, searchdomains, domain }: &ResolvConf, target: &Target) -> Result<(), SystemError> {
    let domains: Vec<&str> = domain.iter().chain(searchdomains).map(|line| line.0.as_str()).collect();
    let servers: Vec<String> = nameservers.iter().map(ToString::to_string).collect();
    let mut text = String::from("[Resolve]\n");
    if !servers.is_empty() {
        let _ = writeln!(text, "DNS={}", servers.join(" "));
    }
    if !domains.is_empty() {
        let _ = writeln!(text, "Domains={}", domains.join(" "));
    }
    target.write("/etc/systemd/resolved.conf.d/50-firstboot.conf", 0o644, text.as_bytes())
}

fn yum_repo(name: &str, YumRepo(keys): &YumRepo, target: &Target) -> Result<(), SystemError> {
    let mut text = format!("[{name}]\n");
    if !keys.contains_key("name") {
        let _ = writeln!(text, "name={name}");
    }
    for (key, values) in keys {
        let value = match values.join(" ") {
            word if word.eq_ignore_ascii_case("true") => "1".to_owned(),
            word if word.eq_ignore_ascii_case("false") => "0".to_owned(),
            other => other,
        };
        let _ = writeln!(text, "{key}={value}");
    }
    target.write(&format!("/etc/yum.repos.d/{name}.repo"), 0o644, text.as_bytes())
}

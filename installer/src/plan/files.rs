//! Files of the installed system that follow from the kickstart file alone.

use std::fmt::Write as _;

use super::disks::Disks;
use super::{Note, Request, Step, first_start, step};
use kickstart::networkd;
use kickstart::{Kickstart, ServiceState};

/// Where the administrator's own choice of units stands; a later `systemctl preset-all` follows it as well.
const PRESET: &str = "/etc/systemd/system-preset/10-installer.preset";

/// systemd looks for the root's partition by its identity to apply the options in fstab, at the very moment when systemd-repart may write the
/// partition table again, to let the root grow: it would not be found then.
const ROOT_OPTIONS: &str = "/etc/systemd/system/systemd-remount-fs.service.d/installer.conf";
const AFTER_GROWING: &str = "[Unit]\nAfter=systemd-repart.service\n";

/// What is written before caches are made and units switched.
pub(super) fn before_configure(request: &Request<'_>, disks: Option<&Disks>, notes: &mut Vec<Note>) -> Vec<Step> {
    let kickstart = request.kickstart;
    let mut steps = Vec::new();
    let mut put = |path: &str, mode, content: String| steps.push(Step::WriteFile { path: path.to_owned(), mode, content });
    if let Some(disks) = disks {
        put("/etc/fstab", 0o644, disks.fstab.clone());
        put(ROOT_OPTIONS, 0o644, AFTER_GROWING.to_owned());
    }
    // The first start makes the machine's identity (machine-id(5)).
    put("/etc/machine-id", 0o444, "uninitialized\n".into());
    if let Some(name) = kickstart.hostname() {
        put("/etc/hostname", 0o644, format!("{name}\n"));
    }
    for file in kickstart.network.iter().flat_map(networkd::files) {
        put(&file.path, file.mode(), file.content);
    }
    let menu = menu(request, disks.and_then(|disks| disks.root_behind_boot), notes);
    if !menu.is_empty() {
        put("/boot/grub/local.cfg", 0o644, menu);
    }
    let units = first_start::units(kickstart);
    for unit in &units {
        put(&unit.script.0, unit.script.1, unit.script.2.clone());
        put(&format!("/etc/systemd/system/{}", unit.name), 0o644, unit.text.clone());
    }
    let presets: String = kickstart
        .services
        .iter()
        .filter_map(|(unit, state)| step::preset_word(*state).map(|word| format!("{word} {}\n", full_name(unit))))
        .chain(units.iter().map(|unit| format!("enable {}\n", unit.name)))
        .collect();
    if !presets.is_empty() {
        put(PRESET, 0o644, presets);
    }
    for (index, certificate) in kickstart.ca_certificates.iter().enumerate() {
        put(&format!("/etc/pki/anchors/installer-{}.pem", index + 1), 0o644, certificate.trim().to_owned() + "\n");
    }
    for file in kickstart.ssh.files() {
        put(&file.path, kickstart::SSH_FILE_MODE.into(), file.content);
    }
    for user in kickstart.users.iter().filter(|user| user.sudo) {
        let word = if user.password.is_some() { "ALL" } else { "NOPASSWD: ALL" };
        put(&kickstart::sudoers_file(&user.name), 0o440, format!("{} ALL=(ALL:ALL) {word}\n", kickstart::sudoers_name(&user.name)));
    }
    if disks.is_some_and(|disks| disks.root_behind_boot.is_some()) {
        // The boot loader looks for /boot/grub on the partition whose top /boot is.
        steps.push(Step::Link { path: "/boot/boot".into(), to: ".".into() });
    }
    steps
}

/// Settings of the boot loader's menu: the partition with the kernels, where the menu is on another one, and further arguments.
fn menu(request: &Request<'_>, root: Option<usize>, notes: &mut Vec<Note>) -> String {
    let mut text = String::new();
    if let Some(root) = root {
        let _ = write!(
            text,
            "# /boot is a partition of its own; the kernels are on that of the root.\n\
             regexp --set=1:kaon_disk '^([^,]+),' \"$root\"\nset root=\"$kaon_disk,gpt{root}\"\n"
        );
    }
    let mut arguments = request.kickstart.kernel_arguments.clone();
    arguments.extend(plain_names(request, notes));
    if !arguments.is_empty() {
        let _ = writeln!(text, "set kaon_arguments='{}'", arguments.join(" "));
    }
    text
}

/// The argument by which cards are called `eth0` and so on, where the file calls them so and nothing else does.
fn plain_names(request: &Request<'_>, notes: &mut Vec<Note>) -> Option<String> {
    const ARGUMENT: &str = "net.ifnames";
    let is_plain =
        |name: &str| name.strip_prefix("eth").is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
    let cards = &request.kickstart.network.as_ref()?.ethernets;
    let named = cards.iter().find_map(|(id, card)| match &card.matches {
        None => is_plain(id).then(|| (format!("network.ethernets.{id}"), id)),
        Some(matches) => {
            matches.name.as_ref().filter(|name| is_plain(name)).map(|name| (format!("network.ethernets.{id}.match.name"), name))
        }
    });
    let (path, name) = named.filter(|(_, name)| !request.cards().contains(*name))?;
    if request.kickstart.kernel_arguments.iter().any(|argument| argument.starts_with(ARGUMENT)) {
        return None;
    }
    let seen = match request.cards().join(", ") {
        cards if cards.is_empty() => String::new(),
        cards => format!(" (this machine's: {cards})"),
    };
    notes.push(Note::new(
        path,
        format!(
            "cards are not called `{name}` here{seen}; with the kernel argument `{ARGUMENT}=0`, which is added, they are. Or match `e*`"
        ),
    ));
    Some(format!("{ARGUMENT}=0"))
}

/// Units that cannot be started at all.
pub(super) fn masks(kickstart: &Kickstart) -> impl Iterator<Item = Step> {
    let masked = kickstart.services.iter().filter(|(_, state)| **state == ServiceState::Masked);
    masked.map(|(unit, _)| Step::Mask { unit: full_name(unit) })
}

/// With the kind of unit that is meant where none is written.
pub(super) fn full_name(unit: &str) -> String {
    const KINDS: [&str; 11] = ["service", "socket", "device", "mount", "automount", "swap", "target", "path", "timer", "slice", "scope"];
    match unit.rsplit_once('.') {
        Some((_, kind)) if KINDS.contains(&kind) => unit.to_owned(),
        _ => format!("{unit}.service"),
    }
}

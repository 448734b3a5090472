//! Files of the installed system that follow from the kickstart file alone.

use super::{Step, step};
use kickstart::networkd;
use kickstart::{Kickstart, ServiceState};

/// Where the administrator's own choice of units stands; a later `systemctl preset-all` follows it as well.
const PRESET: &str = "/etc/systemd/system-preset/10-installer.preset";

/// systemd looks for the root's partition by its identity to apply the options in fstab, at the very moment when systemd-repart may write the
/// partition table again, to let the root grow: it would not be found then.
const ROOT_OPTIONS: &str = "/etc/systemd/system/systemd-remount-fs.service.d/installer.conf";
const AFTER_GROWING: &str = "[Unit]\nAfter=systemd-repart.service\n";

/// What is written before caches are made and units switched.
pub(super) fn before_configure(kickstart: &Kickstart, fstab: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut put = |path: &str, mode, content: String| steps.push(Step::WriteFile { path: path.to_owned(), mode, content });
    if !fstab.is_empty() {
        put("/etc/fstab", 0o644, fstab.to_owned());
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
    if !kickstart.kernel_arguments.is_empty() {
        put("/boot/grub/local.cfg", 0o644, format!("set kaon_arguments='{}'\n", kickstart.kernel_arguments.join(" ")));
    }
    let presets: String = kickstart
        .services
        .iter()
        .filter_map(|(unit, state)| step::preset_word(*state).map(|word| format!("{word} {}\n", full_name(unit))))
        .collect();
    if !presets.is_empty() {
        put(PRESET, 0o644, presets);
    }
    for (index, certificate) in kickstart.ca_certificates.iter().enumerate() {
        put(&format!("/etc/pki/anchors/installer-{}.pem", index + 1), 0o644, certificate.trim().to_owned() + "\n");
    }
    for user in kickstart.users.iter().filter(|user| user.sudo) {
        let word = if user.password.is_some() { "ALL" } else { "NOPASSWD: ALL" };
        put(&format!("/etc/sudoers.d/50-{}", user.name), 0o440, format!("{} ALL=(ALL:ALL) {word}\n", user.name));
    }
    steps
}

/// Units that cannot be started at all.
pub(super) fn masks(kickstart: &Kickstart) -> impl Iterator<Item = Step> {
    let masked = kickstart.services.iter().filter(|(_, state)| **state == ServiceState::Masked);
    masked.map(|(unit, _)| Step::Mask { unit: full_name(unit) })
}

/// With the kind of unit that is meant where none is written.
fn full_name(unit: &str) -> String {
    const KINDS: [&str; 11] = ["service", "socket", "device", "mount", "automount", "swap", "target", "path", "timer", "slice", "scope"];
    match unit.rsplit_once('.') {
        Some((_, kind)) if KINDS.contains(&kind) => unit.to_owned(),
        _ => format!("{unit}.service"),
    }
}

//! GRUB's menu and how GRUB finds it.

use std::fmt::Write as _;
use text::quote;

/// The kernel's arguments on a medium of this label, with those of the image's description.
pub fn kernel_arguments(label: &str, own: &[String]) -> String {
    let mut words = vec![format!("kaon.medium={label}"), "console=tty0".into(), "console=ttyS0,115200".into(), "quiet".into()];
    words.extend(own.iter().cloned());
    words.join(" ")
}

/// The entries: title, and the arguments each adds. `docs/src/boot.md` explains them.
const ENTRIES: [(&str, &str); 5] = [
    ("start", ""),
    ("start, with a root shell on the console", "kaon.autologin"),
    ("start from memory, so that the medium can be taken out", "kaon.ram"),
    ("check the medium, then start", "kaon.check"),
    ("start, telling every step", "kaon.debug loglevel=6 systemd.show_status=1"),
];

/// The entry of media that packages can be installed from.
const INSTALL: (&str, &str) = ("install on a disk of this machine (i)", "kaon.install");

/// The key that starts it, so that users need not select it before the menu's timeout.
const INSTALL_KEY: &str = " --hotkey=i";

/// How long the menu waits before it starts the first entry, in seconds.
const TIMEOUT_S: u32 = 1;

/// The timeout in seconds if the image adds an entry, which may not be what somebody who started the wrong disc wants.
const CAREFUL_TIMEOUT_S: u32 = 10;

/// GRUB's configuration: the menu on the screen and, unless the BIOS redirects it itself, on the first serial line.
///
/// `own` is an entry before the others: its title, and the arguments it adds.
pub fn menu(summary: &str, arguments: &str, own: Option<&(String, String)>, installs: bool) -> String {
    let timeout_s = if own.is_some() { CAREFUL_TIMEOUT_S } else { TIMEOUT_S };
    let mut text = format!(
        "# UEFI firmware shows its own console on the serial line; a BIOS does not.\n\
         if [ \"$grub_platform\" = pc ]; then\n    if serial --unit=0 --speed=115200; then\n        \
         terminal_input console serial\n        terminal_output console serial\n    fi\nfi\n\
         set timeout={timeout_s}\nset default=0\n"
    );
    let own = own.map(|(title, extra)| (title.as_str(), extra.as_str()));
    for (title, extra) in own.into_iter().chain(ENTRIES).chain(installs.then_some(INSTALL)) {
        let line = format!("{arguments} {extra}");
        let key = if extra == INSTALL.1 { INSTALL_KEY } else { "" };
        let _ = write!(
            text,
            "menuentry {}{key} {{\n    linux /boot/vmlinuz {}\n    initrd /boot/initramfs\n}}\n",
            quote(&format!("Kaon: {title}")),
            line.trim_end().split(' ').map(quote).collect::<Vec<_>>().join(" "),
        );
    }
    let _ = write!(
        text,
        "if [ \"$grub_platform\" = efi ]; then\n    menuentry 'Firmware settings' {{\n        fwsetup\n    }}\nfi\n\
         menuentry 'Restart' {{\n    reboot\n}}\nmenuentry 'Switch off' {{\n    halt\n}}\n# {}\n",
        summary.replace('\n', " ")
    );
    text
}

/// The configuration that leads GRUB, as started by UEFI firmware, to the menu on the volume with this identity.
pub fn hop(uuid: &str) -> String {
    format!("search --no-floppy --fs-uuid --set=root {uuid}\nset prefix=($root)/boot/grub\nconfigfile ($root)/boot/grub/grub.cfg\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_quoted() {
        let arguments = kernel_arguments("KAON", &["a.b=$6$x'y".into()]);
        let text = menu("x", &arguments, None, false);
        assert!(
            text.contains("    linux /boot/vmlinuz kaon.medium=KAON console=tty0 console=ttyS0,115200 quiet 'a.b=$6$x'\\''y'\n"),
            "{text}"
        );
        assert_eq!(text.matches("menuentry").count(), ENTRIES.len() + 3);
        let own = menu("x", &arguments, Some(&("install it".into(), "ks=/x".into())), true);
        let first = own.split("menuentry ").nth(1).unwrap();
        assert!(first.starts_with("'Kaon: install it' {") && first.contains(" ks=/x\n"), "{own}");
        assert!(own.contains("(i)' --hotkey=i {\n") && own.contains(" kaon.install\n") && !text.contains("kaon.install"));
        assert!(own.contains("set timeout=10\n") && text.contains("set timeout=1\n"));
    }
}

//! A login over SSH, from the guest into itself.

/// A pair of keys that lets nobody in anywhere but in this test's machine.
const PRIVATE_KEY: &str = "-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACAB5LzLs6KODyZSOm+avDyu/0CLohQMOsYou0jM6eBaFwAAAJAJGOrWCRjq
1gAAAAtzc2gtZWQyNTUxOQAAACAB5LzLs6KODyZSOm+avDyu/0CLohQMOsYou0jM6eBaFw
AAAEBWl5gv6jeDD82IHd2rQOhAgSVLATMUGP8jUknXDn4NsQHkvMuzoo4PJlI6b5q8PK7/
QIuiFAw6xii7SMzp4FoXAAAACXRlc3RAaG9zdAECAwQ=
-----END OPENSSH PRIVATE KEY-----
";
/// Who is let in.
pub const PUBLIC_KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAHkvMuzoo4PJlI6b5q8PK7/QIuiFAw6xii7SMzp4FoX test@host";

/// Lines of a guest's script that log in as `user` and report, as `login`, what `command` says there.
pub fn script(user: &str, command: &str) -> String {
    format!(
        "(umask 077; cat >/run/key <<'END'\n{PRIVATE_KEY}END\n)\n\
         fact login \"$(ssh -i /run/key -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null {user}@127.0.0.1 '{command}' 2>&1 | \
         tail -n 1)\"\n\
         fact said \"$(journalctl -b -o cat --no-pager -u kaon-firstboot | tr '\\n' '|')\"\n"
    )
}

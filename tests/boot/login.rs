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

/// Another pair, which is refused.
const LOST_KEY: &str = "-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACCckNU6iOX4GiiAOTqOnpJbbBFPgd2cQvN6y97lCqDrTQAAAIhkr5gzZK+Y
MwAAAAtzc2gtZWQyNTUxOQAAACCckNU6iOX4GiiAOTqOnpJbbBFPgd2cQvN6y97lCqDrTQ
AAAEATmHXIqdaQUQTLf8FlViVGsGn3l3JF/6YKHI/UfGHWtZyQ1TqI5fgaKIA5Oo6eklts
EU+B3ZxC83rL3uUKoOtNAAAABGxvc3QB
-----END OPENSSH PRIVATE KEY-----
";
/// The public key that is refused.
pub const LOST_PUBLIC_KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJyQ1TqI5fgaKIA5Oo6ekltsEU+B3ZxC83rL3uUKoOtN lost";

/// Lines of a guest's script that log in as `user` with certificates of the pair above, and report by the certificates' names who they are
/// there: one that is good, one that has expired, one of a key that was revoked, and one for somebody else. After [`script`], which writes the
/// pair.
pub fn certificates(user: &str) -> String {
    format!(
        "cd /run && umask 077\ncat >k-lost <<'END'\n{LOST_KEY}END\nssh-keygen -y -f k-lost >k-lost.pub\n\
         certificate() {{\n\
         [ -f k-$1 ] || ssh-keygen -q -t ed25519 -N '' -f k-$1\n\
         ssh-keygen -q -s key -I $1 -n $2 -V $3 k-$1.pub\n\
         fact certificate-$1 \"$(ssh -i k-$1 -o CertificateFile=k-$1-cert.pub -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=no \
         -o UserKnownHostsFile=/dev/null {user}@127.0.0.1 id -un 2>&1 | tail -n 1)\"\n\
         }}\n\
         certificate good ops -1h:+1h\ncertificate expired ops 20200101:20200102\ncertificate lost ops -1h:+1h\ncertificate other sales -1h:+1h\n"
    )
}

/// Lines of a guest's script that log in as `user` and report, as `login`, what `command` says there.
pub fn script(user: &str, command: &str) -> String {
    format!(
        "(umask 077; cat >/run/key <<'END'\n{PRIVATE_KEY}END\n)\n\
         fact login \"$(ssh -i /run/key -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null {user}@127.0.0.1 '{command}' 2>&1 | \
         tail -n 1)\"\n\
         fact said \"$(journalctl -b -o cat --no-pager -u kaon-firstboot | tr '\\n' '|')\"\n"
    )
}

//! Certificates in place of single keys: whom the SSH server trusts to say who may log in (ssh-keygen(1), "CERTIFICATES").

mod certificate;
mod key;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::account;
use crate::document::Complaint;
use certificate::Usage;
pub use key::{KeyError, check_authorized_key, check_key, is_ssh_key};

/// Certificates for users and for the server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Ssh {
    /// Public keys of authorities: who has a certificate of one of them logs in without a key of their own being here.
    pub trusted_user_ca: Vec<KeyLine>,
    /// The names one of which a certificate must contain, by the user who logs in. Without any, the user's own name is needed; with some, users
    /// who are not listed cannot log in by certificate.
    pub principals: BTreeMap<Account, Vec<Principal>>,
    /// Public keys, of users and of authorities, that are refused, also in certificates.
    pub revoked_keys: Vec<KeyLine>,
    /// Certificates of the server's own keys, each for one kind of key. The keys must be those of the machine.
    pub host_certificates: Vec<HostCertificate>,
}

/// A public key, as in the `.pub` file that ssh-keygen writes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String")]
pub struct KeyLine(String);

impl TryFrom<String> for KeyLine {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let line = text.trim();
        if line.contains("PRIVATE KEY") {
            return Err("this is a private key, which nobody else must have: write the line of its `.pub` file".to_owned());
        }
        match check_key(line) {
            Ok(()) => Ok(Self(line.to_owned())),
            Err(KeyError::NotAKey) => Err("write a public key, such as `ssh-ed25519 AAAA… name`; several are a list".to_owned()),
            // sshd refuses everybody while a file of such keys contains one that it cannot read.
            Err(error) => Err(error.line()),
        }
    }
}

/// The name of a user.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String")]
pub struct Account(String);

impl TryFrom<String> for Account {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if account::is_account_name(&text) { Ok(Self(text)) } else { Err(format!("`{text}` is not a user's name")) }
    }
}

/// A name in a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String")]
pub struct Principal(String);

impl TryFrom<String> for Principal {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        // Blanks would separate options, and commas names (sshd_config(5), "AuthorizedPrincipalsFile").
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !b",#\"".contains(&byte));
        if is_plain && !text.is_empty() { Ok(Self(text)) } else { Err(format!("`{text}` cannot be a name in a certificate")) }
    }
}

/// A certificate of a server's key, as in the `-cert.pub` file that ssh-keygen writes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String")]
pub struct HostCertificate(String);

/// Kinds of certificates, and what the server's key of that kind is called.
const KINDS: [(&str, &str); 5] = [
    ("ssh-ed25519-cert-v01@openssh.com", "ed25519"),
    ("ssh-rsa-cert-v01@openssh.com", "rsa"),
    ("ecdsa-sha2-nistp256-cert-v01@openssh.com", "ecdsa"),
    ("ecdsa-sha2-nistp384-cert-v01@openssh.com", "ecdsa"),
    ("ecdsa-sha2-nistp521-cert-v01@openssh.com", "ecdsa"),
];

impl TryFrom<String> for HostCertificate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let certificate = Self(text.trim().to_owned());
        let is_one = is_ssh_key(&certificate.0) && !certificate.0.contains('\n');
        if !is_one || certificate.key().is_none() {
            return Err("write a certificate, such as `ssh-ed25519-cert-v01@openssh.com AAAA… name`; several are a list".to_owned());
        }
        match certificate::usage(&certificate.0) {
            Some(Usage::Host) => Ok(certificate),
            Some(Usage::User) => {
                Err("this is a user's certificate: `ssh-keygen -s CA -I NAME -h KEY.pub` makes one for a server".to_owned())
            }
            None => Err("this certificate is damaged or cut off: copy the whole line of its `-cert.pub` file".to_owned()),
        }
    }
}

impl HostCertificate {
    /// What the key is called that it is for.
    pub fn key(&self) -> Option<&'static str> {
        KINDS.iter().find(|(name, _)| kind(&self.0) == Some(name)).map(|(_, key)| *key)
    }
}

fn kind(line: &str) -> Option<&str> {
    line.split_ascii_whitespace().next()
}

/// A file of the SSH server, with mode 0644: none of them is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshFile {
    /// Its path.
    pub path: String,
    /// Its text.
    pub content: String,
}

/// The mode of the files: sshd must read them, and nobody else write them.
pub const SSH_FILE_MODE: u16 = 0o644;

const AUTHORITIES: &str = "/etc/ssh/trusted-user-ca.pub";
const REVOKED: &str = "/etc/ssh/revoked-keys";
const PRINCIPALS: &str = "/etc/ssh/principals";
/// Between what first boot sets and what the system has: the first value of a setting counts.
const SETTINGS: &str = "/etc/ssh/sshd_config.d/20-certificates.conf";

impl Ssh {
    /// The server's keys that have a certificate, as they are called.
    pub fn certified_keys(&self) -> impl Iterator<Item = &'static str> {
        self.host_certificates.iter().filter_map(HostCertificate::key)
    }

    /// What is wrong beyond single values; `path` is where they stand.
    pub fn complaints(&self, path: &str) -> Vec<Complaint> {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        let mut list = Vec::new();
        for (index, certificate) in self.host_certificates.iter().enumerate() {
            let key = certificate.key().unwrap_or_default();
            // sshd presents one certificate for each of its keys.
            if let Some(first) = seen.get(key) {
                let message = format!("a second certificate for the server's `{key}` key: the first is number {}", first + 1);
                list.push(Complaint::value(format!("{path}.host_certificates[{index}]"), message));
            } else {
                seen.insert(key, index);
            }
        }
        list
    }

    /// The files that say it to sshd; none if nothing is set.
    pub fn files(&self) -> Vec<SshFile> {
        let mut files = Vec::new();
        let mut settings = String::new();
        let mut put = |path: String, content: String| files.push(SshFile { path, content });
        for (keys, path, setting) in
            [(&self.trusted_user_ca, AUTHORITIES, "TrustedUserCAKeys"), (&self.revoked_keys, REVOKED, "RevokedKeys")]
        {
            if !keys.is_empty() {
                put(path.to_owned(), keys.iter().map(|KeyLine(line)| format!("{line}\n")).collect());
                let _ = writeln!(settings, "{setting} {path}");
            }
        }
        if !self.principals.is_empty() {
            let _ = writeln!(settings, "AuthorizedPrincipalsFile {PRINCIPALS}/%u");
        }
        for (Account(user), names) in &self.principals {
            put(format!("{PRINCIPALS}/{user}"), names.iter().map(|Principal(name)| format!("{name}\n")).collect());
        }
        for certificate in &self.host_certificates {
            let path = format!("/etc/ssh/ssh_host_{}_key-cert.pub", certificate.key().unwrap_or("ed25519"));
            let _ = writeln!(settings, "HostCertificate {path}");
            put(path, format!("{}\n", certificate.0));
        }
        if !settings.is_empty() {
            put(SETTINGS.to_owned(), settings);
        }
        files
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Ssh, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn each_part_has_its_file_and_its_setting() {
        let ssh = read(
            r#"{"trusted_user_ca": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAII5ZCyP2+O9IQPAj0x7f3wcyDkrc2Rrxhowt7PY924Aj ca\n"], "principals": {"root": ["ops", "zone:1"], "web": []},
                "revoked_keys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJyQ1TqI5fgaKIA5Oo6ekltsEU+B3ZxC83rL3uUKoOtN lost"], "host_certificates": ["ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIPJVmf01k8NhLCNOYDk+gvTYvJcDZlMCwr0Q40hPH4SCAAAAIBWYOA2RseECfGLEZOsGienbwMflW2R61xwzJnnYUq8HAAAAAAAAAAAAAAACAAAAAXgAAAAAAAAAAAAAAAD//////////wAAAAAAAAAAAAAAAAAAADMAAAALc3NoLWVkMjU1MTkAAAAgJ2QQEl8gNXB6uKIknu6iz0pVnFTRavByls0Khrrdn84AAABTAAAAC3NzaC1lZDI1NTE5AAAAQOJInK3KLy3m1GKgjyePBlqxpDdMOSpTdd2NLY/IRrUiVV0aMPyCrm3sJp1GGT2exlFp0kna27/XhEzMYOzwcQQ= host"]}"#,
        );
        let files: Vec<(String, String)> = ssh.unwrap().files().into_iter().map(|file| (file.path, file.content)).collect();
        let expected = [
            ("/etc/ssh/trusted-user-ca.pub", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAII5ZCyP2+O9IQPAj0x7f3wcyDkrc2Rrxhowt7PY924Aj ca\n"),
            ("/etc/ssh/revoked-keys", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJyQ1TqI5fgaKIA5Oo6ekltsEU+B3ZxC83rL3uUKoOtN lost\n"),
            ("/etc/ssh/principals/root", "ops\nzone:1\n"),
            ("/etc/ssh/principals/web", ""),
            (
                "/etc/ssh/ssh_host_ed25519_key-cert.pub",
                "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIPJVmf01k8NhLCNOYDk+gvTYvJcDZlMCwr0Q40hPH4SCAAAAIBWYOA2RseECfGLEZOsGienbwMflW2R61xwzJnnYUq8HAAAAAAAAAAAAAAACAAAAAXgAAAAAAAAAAAAAAAD//////////wAAAAAAAAAAAAAAAAAAADMAAAALc3NoLWVkMjU1MTkAAAAgJ2QQEl8gNXB6uKIknu6iz0pVnFTRavByls0Khrrdn84AAABTAAAAC3NzaC1lZDI1NTE5AAAAQOJInK3KLy3m1GKgjyePBlqxpDdMOSpTdd2NLY/IRrUiVV0aMPyCrm3sJp1GGT2exlFp0kna27/XhEzMYOzwcQQ= host\n",
            ),
            (
                "/etc/ssh/sshd_config.d/20-certificates.conf",
                "TrustedUserCAKeys /etc/ssh/trusted-user-ca.pub\nRevokedKeys /etc/ssh/revoked-keys\n\
                 AuthorizedPrincipalsFile /etc/ssh/principals/%u\nHostCertificate /etc/ssh/ssh_host_ed25519_key-cert.pub\n",
            ),
        ];
        assert_eq!(files, expected.map(|(path, content)| (path.to_owned(), content.to_owned())));
        assert_eq!(Ssh::default().files(), []);
    }

    #[test]
    fn what_is_no_key_is_refused_with_what_to_write() {
        for (json, said) in [
            (r#"{"trusted_user_ca": ["-----BEGIN OPENSSH PRIVATE KEY-----"]}"#, "this is a private key"),
            (r#"{"trusted_user_ca": ["ssh-ed25519-cert-v01@openssh.com AAAA x"]}"#, "this is a certificate"),
            (r#"{"trusted_user_ca": ["AAAAC3"]}"#, "write a public key"),
            (
                r#"{"trusted_user_ca": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAII5ZCyP2+O9IQPAj0x7f3wcyDkrc2Rrxhowt7PY924Aj a\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAII5ZCyP2+O9IQPAj0x7f3wcyDkrc2Rrxhowt7PY924Aj b"]}"#,
                "several are a list",
            ),
            (r#"{"trusted_user_ca": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5broken x"]}"#, "damaged or cut off"),
            (
                r#"{"revoked_keys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAII5ZCyP2+O9IQPAj0x7f3wcyDkrc2Rrxhowt7PY9 x"]}"#,
                "damaged or cut off",
            ),
            (
                r#"{"revoked_keys": ["ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAII5ZCyP2+O9IQPAj0x7f3wcyDkrc2Rrxhowt7PY924Aj x"]}"#,
                "this key is of the type `ssh-ed25519`, not `ssh-rsa`",
            ),
            (r#"{"principals": {"a/b": ["x"]}}"#, "`a/b` is not a user's name"),
            (r#"{"principals": {"a": ["x y"]}}"#, "`x y` cannot be a name in a certificate"),
            (r#"{"host_certificates": ["ssh-ed25519 AAAA x"]}"#, "write a certificate"),
            (
                r#"{"host_certificates": ["ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIFTneRGAHOmHsjQvn/94wm3OONXLdv3QkR9BmupVCdodAAAAIJ8lQXK6jFnOhFYvL+xwOXQr8ozhkRzGFLfdVc5ce+mJAAAAAAAAAAAAAAABAAAAAXgAAAAHAAAAA29wcwAAAAAAAAAA//////////8AAAAAAAAAggAAABVwZXJtaXQtWDExLWZvcndhcmRpbmcAAAAAAAAAF3Blcm1pdC1hZ2VudC1mb3J3YXJkaW5nAAAAAAAAABZwZXJtaXQtcG9ydC1mb3J3YXJkaW5nAAAAAAAAAApwZXJtaXQtcHR5AAAAAAAAAA5wZXJtaXQtdXNlci1yYwAAAAAAAAAAAAAAMwAAAAtzc2gtZWQyNTUxOQAAACAnZBASXyA1cHq4oiSe7qLPSlWcVNFq8HKWzQqGut2fzgAAAFMAAAALc3NoLWVkMjU1MTkAAABAEdKLEcE6mWtUxfZbUg4BHQWwJbOdT8vQEr5UqMLRCBL+T7CeyKAY8P9EpkbdL0IRx2P0tDEEvK9sEI+N2W8wCg== me"]}"#,
                "this is a user's certificate",
            ),
            (r#"{"host_certificates": ["ssh-ed25519-cert-v01@openssh.com AAAAI host"]}"#, "damaged or cut off"),
            (r#"{"trusted_ca": []}"#, "unknown field"),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.contains(said), "{json}: {error}");
        }
    }

    #[test]
    fn the_server_has_one_certificate_for_each_key() {
        let ed25519 = "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIPJVmf01k8NhLCNOYDk+gvTYvJcDZlMCwr0Q40hPH4SCAAAAIBWYOA2RseECfGLEZOsGienbwMflW2R61xwzJnnYUq8HAAAAAAAAAAAAAAACAAAAAXgAAAAAAAAAAAAAAAD//////////wAAAAAAAAAAAAAAAAAAADMAAAALc3NoLWVkMjU1MTkAAAAgJ2QQEl8gNXB6uKIknu6iz0pVnFTRavByls0Khrrdn84AAABTAAAAC3NzaC1lZDI1NTE5AAAAQOJInK3KLy3m1GKgjyePBlqxpDdMOSpTdd2NLY/IRrUiVV0aMPyCrm3sJp1GGT2exlFp0kna27/XhEzMYOzwcQQ= host";
        let ecdsa = "ecdsa-sha2-nistp256-cert-v01@openssh.com AAAAKGVjZHNhLXNoYTItbmlzdHAyNTYtY2VydC12MDFAb3BlbnNzaC5jb20AAAAg0eTW721QU9p+jbpNYObsqUlTQ3AUWXDdacOUedC7H98AAAAIbmlzdHAyNTYAAABBBP4Y6lMsInVJwnYO7LQb2/wi2RcTjKleJyCo42vYCuI7R+CN4U6xN9H/5LmhFaPhtoUHVGQ78l/KGB8H8izHVl0AAAAAAAAAAAAAAAIAAAABeAAAAAAAAAAAAAAAAP//////////AAAAAAAAAAAAAAAAAAAAMwAAAAtzc2gtZWQyNTUxOQAAACAnZBASXyA1cHq4oiSe7qLPSlWcVNFq8HKWzQqGut2fzgAAAFMAAAALc3NoLWVkMjU1MTkAAABAt3z9YrgFAjW3F/ojvs55AeG94UJPt0Ib7Tvtl+g80T2iXmdgeRyIkCSf9ZdSbdDc4rD71grbCyKNlfGBwwGKDw== host";
        let list = |certificates: &[&str]| read(&serde_json::json!({ "host_certificates": certificates }).to_string()).unwrap();
        assert!(list(&[ed25519, ecdsa]).complaints("ssh").is_empty());
        let told = list(&[ed25519, ecdsa, ed25519]).complaints("ssh");
        assert_eq!(
            told,
            [Complaint::value("ssh.host_certificates[2]", "a second certificate for the server's `ed25519` key: the first is number 1")]
        );
    }
}

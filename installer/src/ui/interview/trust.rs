//! Keys and certificates, which few people type: they may be in files.

use base64::Engine as _;

use super::super::Answer;
use super::{Ask, Entry, Interview, accepted, entry};
use kickstart::Kickstart;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// A public key in few words.
pub(super) fn describe_key(key: &str) -> String {
    let words: Vec<&str> = key.split_whitespace().collect();
    let body: String = words.get(1).map(|body| body.chars().rev().take(12).collect()).unwrap_or_default();
    let end: String = body.chars().rev().collect();
    format!("{} ...{end} {}", words.first().unwrap_or(&""), words.get(2..).unwrap_or_default().join(" ")).trim_end().to_owned()
}

/// A certificate in few words: its subject needs a reader of ASN.1; its end distinguishes two.
pub(super) fn describe_certificate(pem: &str) -> String {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let end: String = body.chars().skip(body.chars().count().saturating_sub(24)).collect();
    format!("certificate of {} characters, ...{end}", body.chars().count())
}

impl Interview {
    /// What stands there, or in the file it names.
    pub(super) fn text_or_file(&self, given: &str) -> Result<String, String> {
        if given.starts_with('/') { (self.about.read)(given) } else { Ok(given.to_owned()) }
    }

    /// PEM text, a file with some, or nothing more.
    pub(super) fn certificate(&self, kickstart: &mut Kickstart, answer: &Answer) -> Result<Ask, String> {
        let next = match entry(&mut kickstart.ca_certificates, answer)? {
            Entry::End => Ask::End,
            Entry::Removed => Ask::Certificates,
            Entry::Add(given) => {
                kickstart.ca_certificates.extend(certificates(&self.text_or_file(given)?)?);
                Ask::Certificates
            }
        };
        accepted(kickstart, "ca_certificates").map(|()| next)
    }
}

/// All certificates of a text.
fn certificates(text: &str) -> Result<Vec<String>, String> {
    if text.contains("PRIVATE KEY") {
        return Err("it contains a private key; enter only the certificates".into());
    }
    let mut found = Vec::new();
    for part in text.split(BEGIN).skip(1) {
        let (body, _) = part.split_once(END).ok_or("a certificate in it is incomplete")?;
        let body: Vec<&str> = body.split_whitespace().collect();
        let bytes = base64::engine::general_purpose::STANDARD.decode(body.concat()).unwrap_or_default();
        // A certificate is a sequence (X.690: 0x30).
        if bytes.first() != Some(&0x30) {
            return Err("a certificate in it is damaged".into());
        }
        found.push(format!("{BEGIN}\n{}\n{END}\n", body.join("\n")));
    }
    if found.is_empty() { Err("it contains no certificate in PEM".into()) } else { Ok(found) }
}

//! Certificates as PEM (RFC 7468).

use crate::document::unpack_base64;

/// The line before a certificate.
pub const BEGIN_CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";

/// The line behind a certificate.
pub const END_CERTIFICATE: &str = "-----END CERTIFICATE-----";

/// Whether a text contains certificates, each of them Base64 of something that has a certificate's outer form.
pub fn are_certificates(text: &str) -> bool {
    let mut blocks = text.split(BEGIN_CERTIFICATE).skip(1).peekable();
    blocks.peek().is_some() && blocks.all(|block| block.split_once(END_CERTIFICATE).is_some_and(|(body, _)| is_body(body)))
}

fn is_body(body: &str) -> bool {
    let packed: String = body.split_whitespace().collect();
    unpack_base64(&packed).is_some_and(|bytes| is_sequence(&bytes))
}

/// Whether bytes are one sequence in DER (X.690: 0x30, the length, so many bytes).
fn is_sequence(bytes: &[u8]) -> bool {
    let [0x30, first, rest @ ..] = bytes else { return false };
    let (length, content) = match usize::from(*first) {
        length @ 0..=0x7f => (length, rest),
        // The lower bits say how many bytes the length has.
        long => {
            let Some((length, content)) = rest.split_at_checked(long & 0x7f) else { return false };
            if !(1..=4).contains(&length.len()) {
                return false;
            }
            (length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), content)
        }
    };
    length == content.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_have_their_outer_form() {
        let table = [
            ("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", true),
            (
                "x\n-----BEGIN CERTIFICATE-----\nMAQA\nAAAA\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nMIEBAA==\n-----END CERTIFICATE-----",
                true,
            ),
            // Longer and shorter than it says, and no sequence.
            ("-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----\n", false),
            ("-----BEGIN CERTIFICATE-----\nMAQA\n-----END CERTIFICATE-----\n", false),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", false),
            ("-----BEGIN CERTIFICATE-----\nfoo bar\n-----END CERTIFICATE-----\n", false),
            ("-----BEGIN CERTIFICATE-----\nMAA=\n", false),
            ("MAA=", false),
            ("", false),
        ];
        for (text, expected) in table {
            assert_eq!(are_certificates(text), expected, "{text}");
        }
    }
}

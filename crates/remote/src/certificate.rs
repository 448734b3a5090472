//! What is wrong with a server's certificate, or with the connection that should have one.

use std::error::Error;
use std::io;

use rustls::CertificateError;
use rustls::pki_types::ServerName;

/// What is wrong, if that is why the connection failed.
pub fn wrong(error: &(dyn Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        // An I/O error hides the error that it is made of from those who ask for its source.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let found = error.downcast_ref::<rustls::Error>().or_else(|| inner?.downcast_ref());
        if let Some(found) = found {
            return words(found);
        }
        next = error.source();
    }
    None
}

fn words(error: &rustls::Error) -> Option<String> {
    match error {
        rustls::Error::InvalidCertificate(certificate) => words_of_certificate(certificate),
        rustls::Error::InvalidMessage(_) => Some("the server does not speak TLS; addresses without it begin with grpc://".into()),
        // These are rare, and named by the library.
        _ => None,
    }
}

fn words_of_certificate(error: &CertificateError) -> Option<String> {
    match error {
        CertificateError::UnknownIssuer => {
            Some("no authority that this machine knows has signed the server's certificate (SSL_CERT_FILE names others)".into())
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            Some("the server's certificate has expired, or the clock of this machine is wrong".into())
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            Some("the server's certificate is not valid yet, or the clock of this machine is wrong".into())
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            let presented: Vec<&str> = presented.iter().map(|name| plain(name)).collect();
            Some(format!("the server's certificate is not for `{}`, but for {}", shown(expected), presented.join(", ")))
        }
        CertificateError::NotValidForName => Some("the server's certificate is for another host".into()),
        // As above.
        _ => None,
    }
}

fn shown(name: &ServerName<'_>) -> String {
    name.to_str().into_owned()
}

/// A name without its kind: `DnsName("a.test")` is shown as `a.test`.
fn plain(name: &str) -> &str {
    name.split_once("(\"").and_then(|(_, rest)| rest.strip_suffix("\")")).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_found_inside_of_others() {
        let expired = || rustls::Error::InvalidCertificate(CertificateError::Expired);
        for error in [Box::new(expired()) as Box<dyn Error>, Box::new(io::Error::other(expired()))] {
            assert!(wrong(&*error).is_some_and(|words| words.contains("has expired")), "{error:?}");
        }
        assert_eq!(wrong(&io::Error::other("reset")), None);
        assert_eq!(plain("DnsName(\"a.test\")"), "a.test");
        assert_eq!(plain("127.0.0.1"), "127.0.0.1");
    }
}

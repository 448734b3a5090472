//! Addresses that servers listen on.

use std::net::{Ipv4Addr, SocketAddr};

/// Reads the address of a network card of this machine with a port; `localhost` is this machine alone.
///
/// # Errors
/// What an address looks like, when the text is none.
pub fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let local = || Some(SocketAddr::from((Ipv4Addr::LOCALHOST, text.strip_prefix("localhost:")?.parse().ok()?)));
    text.parse().ok().or_else(local).ok_or_else(|| {
        "the number of a network card and a port are required, such as 127.0.0.1:8100, or 0.0.0.0:8100 for all network cards".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_ports_are_read() {
        for (text, expected) in
            [("0.0.0.0:80", Some("0.0.0.0:80")), ("[::1]:1", Some("[::1]:1")), ("localhost:8100", Some("127.0.0.1:8100"))]
        {
            assert_eq!(listen_address(text).ok(), expected.map(|text| text.parse().unwrap()), "{text}");
        }
        for text in ["8100", ":8100", "host:8100", "127.0.0.1", "localhost:99999"] {
            assert!(listen_address(text).unwrap_err().contains("0.0.0.0:8100"), "{text}");
        }
    }
}

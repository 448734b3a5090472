//! Servers with TLS whose certificate no authority signed, made with
//! `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -addext subjectAltName=IP:127.0.0.1
//! -addext basicConstraints=critical,CA:FALSE`.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};

use super::server::ok;
use crate::apt::builtin::agent::Network;
use crate::apt::download::by_builtin;
use crate::apt::{Client, ClientChoice, Download, Outcome, Patience, download};
use runtime::cancel::Cancel;

const CERTIFICATE: &[u8] = include_bytes!("certificate.pem");

/// An authority that signed nothing.
const OTHER: &[u8] = include_bytes!("other.pem");

/// The port of a server, and the number of connections to it.
fn serve() -> (u16, Arc<AtomicUsize>) {
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("key.pem")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider())).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, connections) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&connections);
    thread::spawn(move || {
        for mut tcp in listener.incoming().map_while(Result::ok) {
            count.fetch_add(1, Ordering::SeqCst);
            let mut connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = Stream::new(&mut connection, &mut tcp);
            // The client may refuse the certificate.
            if stream.read(&mut [0; 4096]).is_ok() {
                let _ = stream.write_all(&ok(b"text"));
            }
            connection.send_close_notify();
            let _ = connection.complete_io(&mut tcp);
        }
    });
    (port, connections)
}

/// The port of a server that knows no TLS.
fn plain() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut tcp in listener.incoming().map_while(Result::ok) {
            // The client may be gone.
            let _ = tcp.read(&mut [0; 4096]).and_then(|_| tcp.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"));
        }
    });
    port
}

fn get(uri: String, folder: &Path, network: &Network) -> Outcome {
    let item = Download::new(uri, folder.join("got"));
    by_builtin(&[item], Patience::new(1, 5), network, &|_| {}, &Cancel::new()).unwrap().remove(0)
}

#[test]
fn a_certificate_that_is_not_believed_is_explained_and_not_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let (port, connections) = serve();
    let [known, other, none] = ["known.pem", "other.pem", "none.pem"].map(|name| folder.path().join(name));
    fs::write(&known, CERTIFICATE).unwrap();
    fs::write(&other, OTHER).unwrap();
    fs::write(&none, "-----BEGIN NOTHING-----").unwrap();
    let network = |certificates: &Path| Network { certificates: Some(certificates.to_owned()), ..Network::default() };
    assert_eq!(get(format!("https://127.0.0.1:{port}/x"), folder.path(), &network(&known)), Outcome::Fetched);
    let before = connections.load(Ordering::SeqCst);
    let Outcome::Unreachable(unknown) = get(format!("https://127.0.0.1:{port}/x"), folder.path(), &network(&other)) else { panic!() };
    assert_eq!(connections.load(Ordering::SeqCst), before + 1);
    assert!(unknown.starts_with("the server's certificate is not signed by an authority that this machine knows; "), "{unknown}");
    assert!(unknown.contains("name a file with the certificate of its authority in SSL_CERT_FILE"), "{unknown}");
    let Outcome::Unreachable(other) = get(format!("https://localhost:{port}/x"), folder.path(), &network(&known)) else { panic!() };
    assert_eq!(other, "the server's certificate is for another name; write the name that it is for into the address");

    let other_port = plain();
    let Outcome::Unreachable(plain) = get(format!("https://127.0.0.1:{other_port}/x"), folder.path(), &network(&known)) else { panic!() };
    assert_eq!(plain, "it does not speak TLS; check the port, and whether the address begins with `http://`");

    let Outcome::Failed(none) = get(format!("https://127.0.0.1:{port}/x"), folder.path(), &network(&none)) else { panic!() };
    assert!(none.contains("none.pem` contains no certificate in PEM: SSL_CERT_FILE names"), "{none}");

    // The client of this machine says the same.
    if ClientChoice::Auto.client() == Client::Apt {
        let item = Download::new(format!("https://127.0.0.1:{port}/x"), folder.path().join("by-apt"));
        let outcomes = download(Client::Apt, &[item], Patience::new(0, 5), &|_| {}, &Cancel::new()).unwrap();
        assert_eq!(outcomes, [Outcome::Unreachable(unknown)]);
    }
}

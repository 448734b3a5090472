use std::fs;
use std::net::TcpListener;

use super::server::{Server, response};
use crate::apt::{AptError, Network, Presence, presence};
use runtime::cancel::Cancel;

#[test]
fn files_are_asked_for_at_all_their_addresses_without_being_fetched() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("here"), "x").unwrap();
    let server = Server::new(|asked, _| match asked.target.as_str() {
        "/there" => response("200 OK", 1_000_000, b""),
        "/refused" => response("403 Forbidden", 0, b""),
        _ => response("404 Not Found", 0, b""),
    });
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (at, local) = (|name: &str| format!("{}/{name}", server.address), |name: &str| format!("copy:{}/{name}", folder.path().display()));
    let down = format!("http://{closed}/x");
    let files = vec![
        vec![at("there")],
        vec![at("gone"), at("there")],
        vec![at("gone"), at("lost")],
        vec![local("here")],
        vec![local("gone"), local("here/below"), local("")],
        vec![local("gone"), at("there")],
        vec![at("refused"), at("gone")],
        vec![down.clone(), at("there")],
        vec![down],
    ];
    let found = presence(files, &Network::default(), &Cancel::new()).unwrap();
    let unknown = |presence: &Presence, text: &str| matches!(presence, Presence::Unknown(reason) if reason.contains(text));
    use Presence::{Missing, There};
    assert_eq!(found[..6], [There, There, Missing, There, Missing, There]);
    assert!(unknown(&found[6], "403"), "{found:?}");
    assert_eq!(found[7], There);
    assert!(unknown(&found[8], "cannot connect"), "{found:?}");
    assert!(server.asked().iter().all(|asked| asked.method == "HEAD"), "{:?}", server.asked());
}

#[test]
fn asking_can_be_stopped() {
    let cancel = Cancel::new();
    cancel.raise();
    let silent = Server::new(|_, _| Vec::new());
    let stopped = presence(vec![vec![format!("{}/x", silent.address)]], &Network::default(), &cancel);
    assert!(matches!(stopped, Err(AptError::Interrupted)), "{stopped:?}");
}

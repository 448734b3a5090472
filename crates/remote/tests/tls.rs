//! Encrypted connections, with certificates of the tests' own: what a wrong certificate, host name, password or token is called.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use base::digest::Digest;
use bazel_remote_apis::build::bazel::remote::execution::v2 as reapi;
use reapi::action_cache_server::{ActionCache, ActionCacheServer};
use runtime::remote::{Answer, Call, Name, News, Patience, Reply, Request, TOKEN_VARIABLE, Trouble, Wanted};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic::{Response, Status};

/// A server that has every entry for those who know the token or the password.
struct Cache;

#[tonic::async_trait]
impl ActionCache for Cache {
    async fn get_action_result(
        &self,
        request: tonic::Request<reapi::GetActionResultRequest>,
    ) -> Result<Response<reapi::ActionResult>, Status> {
        let given = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
        match given {
            // `me:p@ss:%`
            Some("Bearer t0ken" | "Basic bWU6cEBzczol") => Ok(Response::new(reapi::ActionResult::default())),
            Some(_) => Err(Status::permission_denied("wrong password or token")),
            None => Err(Status::unauthenticated("who are you?")),
        }
    }

    async fn update_action_result(
        &self,
        _: tonic::Request<reapi::UpdateActionResultRequest>,
    ) -> Result<Response<reapi::ActionResult>, Status> {
        Err(Status::unimplemented(""))
    }
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name)
}

/// Serves with a certificate until the tests end.
fn serve(certificate: &str) -> SocketAddr {
    let identity = Identity::from_pem(fs::read(data(certificate)).unwrap(), fs::read(data("server.key")).unwrap());
    let (send, receive) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
            send.send(incoming.local_addr().unwrap()).unwrap();
            let mut server = Server::builder().tls_config(ServerTlsConfig::new().identity(identity)).unwrap();
            server.add_service(ActionCacheServer::new(Cache)).serve_with_incoming(incoming).await.unwrap();
        });
    });
    receive.recv().unwrap()
}

/// Fetches an entry with `kaon-remote`, which believes the authorities in a file.
fn fetch(address: &str, authorities: &str, token: &str) -> Result<(), Trouble> {
    let folder = tempfile::tempdir().unwrap();
    let wanted = Wanted { name: Name::Entry(Digest::of_bytes("x")), target: folder.path().join("entry"), most_bytes: 1000 };
    let patience = Patience { retries: 0, silence_s: 10 };
    let call = Call::Fetch { server: address.parse().unwrap(), files: vec![wanted], patience };
    let mut command = Command::new(env!("CARGO_BIN_EXE_kaon-remote"));
    command.env("SSL_CERT_FILE", data(authorities)).env(TOKEN_VARIABLE, token).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{}", serde_json::to_string(&Request::Begin { id: 1, call }).unwrap()).unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let answer = lines.map(|line| serde_json::from_str::<Reply>(&line.unwrap()).unwrap().news).find_map(|news| match news {
        News::Done(answer) => Some(answer),
        News::Moved(_) | News::Reached(_) => None,
    });
    drop(input);
    assert!(child.wait().unwrap().success());
    match answer.unwrap() {
        Answer::Fetched(ends) => ends.into_iter().next().unwrap(),
        Answer::Failed(trouble) => Err(trouble),
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_knows_the_token_or_the_password_is_served() {
    let host = serve("server.pem");
    assert_eq!(fetch(&format!("grpcs://{host}/main"), "ca.pem", "t0ken"), Ok(()));
    let by_name = format!("grpcs://me:p%40ss:%25@localhost:{}", host.port());
    assert_eq!(fetch(&by_name, "ca.pem", "wrong"), Ok(()), "the address comes before the token");
    for (address, token, said) in [
        (format!("grpcs://{host}"), "", "UNAUTHENTICATED: who are you?"),
        (format!("grpcs://{host}"), "guessed", "PERMISSION_DENIED: wrong password or token"),
        (format!("grpcs://me:bad@{host}"), "t0ken", "PERMISSION_DENIED: wrong password or token"),
    ] {
        assert_eq!(fetch(&address, "ca.pem", token), Err(Trouble::Locked(said.into())), "{address}");
    }
}

#[test]
fn a_wrong_certificate_is_named() {
    for (certificate, authorities, said) in [
        (
            "server.pem",
            "stranger.pem",
            "no authority that this machine knows has signed the server's certificate (SSL_CERT_FILE names others)",
        ),
        ("other-name.pem", "ca.pem", "the server's certificate is not for `127.0.0.1`, but for other.test"),
        ("expired.pem", "ca.pem", "the server's certificate has expired, or the clock of this machine is wrong"),
        ("future.pem", "ca.pem", "the server's certificate is not valid yet, or the clock of this machine is wrong"),
    ] {
        let address = format!("grpcs://{}", serve(certificate));
        match fetch(&address, authorities, "t0ken") {
            Err(Trouble::Unreachable(reason)) => assert!(reason.contains(said), "{certificate}: {reason}"),
            other => panic!("{certificate}: {other:?}"),
        }
    }
}

#[test]
fn plain_and_encrypted_are_told_apart() {
    let host = serve("server.pem");
    let Err(Trouble::Unreachable(reason)) = fetch(&format!("grpc://{host}"), "ca.pem", "t0ken") else { panic!("it answered") };
    assert!(!reason.is_empty(), "{reason}");
    // Nobody listens there, but the address is one.
    assert!(matches!(fetch("grpcs://[::1]:1", "ca.pem", "t0ken"), Err(Trouble::Unreachable(_))));
}

//! What servers say that they do.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

use bazel_remote_apis::build::bazel::remote::execution::v2 as reapi;
use reapi::capabilities_server::{Capabilities, CapabilitiesServer};
use runtime::remote::{Answer, Call, News, Patience, Reply, Request, Runs, Trouble};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Response, Status};

/// A server that says this of its execution, or nothing at all.
struct Says(Option<Option<reapi::ExecutionCapabilities>>);

#[tonic::async_trait]
impl Capabilities for Says {
    async fn get_capabilities(
        &self,
        request: tonic::Request<reapi::GetCapabilitiesRequest>,
    ) -> Result<Response<reapi::ServerCapabilities>, Status> {
        if request.get_ref().instance_name != "main" {
            return Err(Status::unavailable("no such instance"));
        }
        let execution_capabilities = self.0.clone().ok_or_else(|| Status::unimplemented("what?"))?;
        Ok(Response::new(reapi::ServerCapabilities { execution_capabilities, ..Default::default() }))
    }
}

fn serve(says: Says) -> SocketAddr {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
            send.send(incoming.local_addr().unwrap()).unwrap();
            Server::builder().add_service(CapabilitiesServer::new(says)).serve_with_incoming(incoming).await.unwrap();
        });
    });
    receive.recv().unwrap()
}

fn ask(address: &str) -> Answer {
    let call = Call::Runs { server: address.parse().unwrap(), patience: Patience { retries: 0, silence_s: 10 } };
    let mut command = Command::new(env!("CARGO_BIN_EXE_kaon-remote"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{}", serde_json::to_string(&Request::Begin { id: 1, call }).unwrap()).unwrap();
    let line = BufReader::new(child.stdout.take().unwrap()).lines().next().unwrap().unwrap();
    drop(input);
    assert!(child.wait().unwrap().success());
    match serde_json::from_str::<Reply>(&line).unwrap().news {
        News::Done(answer) => answer,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_cache_is_told_from_a_server_that_runs_builds() {
    let execution = |exec_enabled| reapi::ExecutionCapabilities { exec_enabled, ..Default::default() };
    for (says, expected) in [
        (Says(Some(Some(execution(true)))), Runs::Yes),
        (Says(Some(Some(execution(false)))), Runs::No),
        (Says(Some(None)), Runs::No),
        (Says(None), Runs::Unsaid),
    ] {
        assert_eq!(ask(&format!("grpc://{}/main", serve(says))), Answer::Runs(expected));
    }
    let other = format!("grpc://{}/other", serve(Says(None)));
    assert_eq!(ask(&other), Answer::Failed(Trouble::Unreachable("UNAVAILABLE: no such instance".into())));
}

//! A client of the Container Runtime Interface, as much of the kubelet as a pod needs: the boot test of a Kubernetes node runs it in the machine.
//!
//! `cri version`, `cri status`, `cri pod`, `cri address POD`, `cri container POD IMAGE NAME WORD…`, `cri remove POD`. What was asked for is printed
//! as one line; what the runtime refuses is an error.

#![allow(missing_docs)]

mod messages;

use std::error::Error;
use std::future::Future;
use std::io::Write as _;
use std::time::Duration;

use messages::{
    CgroupDriver, ContainerConfig, ContainerMetadata, ContainerState, ContainerStatusResponse, CreateContainer, Empty, Id, Image, LinuxPod,
    PodConfig, PodMetadata, PodStatusResponse, RunPod, RuntimeConfigResponse, StatusResponse, Version,
};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tonic_prost::ProstCodec;

/// The place of the runtime's socket that the kubelet is given.
const SOCKET: &str = "unix:///run/containerd/containerd.sock";

/// How often a container is asked whether it has ended.
const PAUSE: Duration = Duration::from_millis(200);

/// Why nothing can be printed.
type Failure = Box<dyn Error>;

/// The runtime that is asked.
struct Runtime(Grpc<Channel>);

impl Runtime {
    async fn connect() -> Result<Self, Failure> {
        Ok(Self(Grpc::new(Endpoint::from_static(SOCKET).connect().await?)))
    }

    /// Calls a method of the service for pods and containers.
    async fn call<Q, A>(&mut self, method: &'static str, message: Q) -> Result<A, Status>
    where
        Q: prost::Message + Send + Sync + 'static,
        A: prost::Message + Default + Send + Sync + 'static,
    {
        self.0.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let path = PathAndQuery::from_static(method);
        self.0.unary(Request::new(message), path, ProstCodec::<Q, A>::default()).await.map(tonic::Response::into_inner)
    }

    async fn version(&mut self) -> Result<String, Failure> {
        let Version { runtime_name, runtime_version, runtime_api_version } =
            self.call("/runtime.v1.RuntimeService/Version", Empty {}).await?;
        Ok(format!("{runtime_name} {runtime_version} {runtime_api_version}"))
    }

    /// The conditions, and who manages control groups.
    async fn status(&mut self) -> Result<String, Failure> {
        let response: StatusResponse = self.call("/runtime.v1.RuntimeService/Status", Empty {}).await?;
        let conditions = response.status.unwrap_or_default().conditions.into_iter();
        let mut words: Vec<String> = conditions.map(|condition| format!("{}={}", condition.kind, condition.status)).collect();
        let response: RuntimeConfigResponse = self.call("/runtime.v1.RuntimeService/RuntimeConfig", Empty {}).await?;
        let driver = response.linux.and_then(|linux| CgroupDriver::try_from(linux.cgroup_driver).ok());
        words.push(format!("cgroups={}", driver.map_or("unknown".into(), |driver| format!("{driver:?}").to_lowercase())));
        Ok(words.join(" "))
    }

    async fn pod(&mut self) -> Result<String, Failure> {
        let request = RunPod { config: Some(pod_config()) };
        let Id { id } = self.call("/runtime.v1.RuntimeService/RunPodSandbox", request).await?;
        Ok(id)
    }

    async fn address(&mut self, pod: &str) -> Result<String, Failure> {
        let response: PodStatusResponse = self.call("/runtime.v1.RuntimeService/PodSandboxStatus", Id { id: pod.into() }).await?;
        Ok(response.status.and_then(|status| status.network).map(|network| network.ip).ok_or("the pod has no network")?)
    }

    /// Runs a container to its end, and returns its exit code.
    async fn container(&mut self, pod: &str, image: &str, name: &str, words: &[String]) -> Result<String, Failure> {
        let config = ContainerConfig {
            metadata: Some(ContainerMetadata { name: name.into() }),
            image: Some(Image { image: image.into() }),
            args: words.to_vec(),
            log_path: format!("{name}.log"),
        };
        let request = CreateContainer { pod: pod.into(), config: Some(config), pod_config: Some(pod_config()) };
        let container: Id = self.call("/runtime.v1.RuntimeService/CreateContainer", request).await?;
        let _: Empty = self.call("/runtime.v1.RuntimeService/StartContainer", container.clone()).await?;
        loop {
            let response: ContainerStatusResponse = self.call("/runtime.v1.RuntimeService/ContainerStatus", container.clone()).await?;
            let status = response.status.ok_or("the container has no status")?;
            match ContainerState::try_from(status.state) {
                Ok(ContainerState::Exited) => return Ok(status.exit_code.to_string()),
                Ok(ContainerState::Created | ContainerState::Running) => tokio::time::sleep(PAUSE).await,
                Ok(ContainerState::Unknown) | Err(_) => {
                    return Err(format!("the container's state is {}: {}", status.state, status.message).into());
                }
            }
        }
    }

    async fn remove(&mut self, pod: &str) -> Result<String, Failure> {
        let pod = Id { id: pod.into() };
        let _: Empty = self.call("/runtime.v1.RuntimeService/StopPodSandbox", pod.clone()).await?;
        let _: Empty = self.call("/runtime.v1.RuntimeService/RemovePodSandbox", pod).await?;
        Ok("removed".into())
    }
}

/// The one pod there is. The slice is the one in which the kubelet puts pods.
fn pod_config() -> PodConfig {
    PodConfig {
        metadata: Some(PodMetadata { name: "test".into(), uid: "0".into(), namespace: "default".into() }),
        hostname: "test".into(),
        log_directory: "/var/log/pods/default_test_0".into(),
        linux: Some(LinuxPod { cgroup_parent: "kubepods.slice".into() }),
    }
}

async fn answer(words: &[String]) -> Result<String, Failure> {
    let mut runtime = Runtime::connect().await?;
    let texts: Vec<&str> = words.iter().map(String::as_str).collect();
    match texts[..] {
        ["version"] => runtime.version().await,
        ["status"] => runtime.status().await,
        ["pod"] => runtime.pod().await,
        ["address", pod] => runtime.address(pod).await,
        ["container", pod, image, name, ..] => runtime.container(pod, image, name, &words[4..]).await,
        ["remove", pod] => runtime.remove(pod).await,
        _ => Err("no such request".into()),
    }
}

/// Waits for what needs a socket and a clock.
fn wait<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future)
}

fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let line = wait(answer(&words))?;
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

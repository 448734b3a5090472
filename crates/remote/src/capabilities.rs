//! What a server does.

use bazel_remote_apis::build::bazel::remote::execution::v2 as reapi;
use reapi::capabilities_client::CapabilitiesClient;
use runtime::remote::{Patience, Runs, Trouble};
use tonic::Code;

use crate::channel::Connected;
use crate::wait::{patiently, within};

/// Asks whether a server runs programs for its clients.
///
/// # Errors
/// When it does not answer. A server that knows no such question leaves it open.
pub async fn runs(connected: &Connected, patience: Patience) -> Result<Runs, Trouble> {
    patiently(patience, async || {
        let request = reapi::GetCapabilitiesRequest { instance_name: connected.instance.clone() };
        let mut client = CapabilitiesClient::new(connected.channel.clone());
        match within(patience, client.get_capabilities(connected.request(request))).await {
            Ok(answer) => {
                let is_enabled = answer.into_inner().execution_capabilities.is_some_and(|execution| execution.exec_enabled);
                Ok(if is_enabled { Runs::Yes } else { Runs::No })
            }
            Err(status) if status.code() == Code::Unimplemented => Ok(Runs::Unsaid),
            Err(status) => Err(status),
        }
    })
    .await
}

//! Programs that run on workers, by the names under which servers cancel them.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use bazel_remote_apis::google::longrunning::CancelOperationRequest;
use bazel_remote_apis::google::longrunning::operations_client::OperationsClient;

use crate::channel::Connected;

/// How long a server has to cancel a program. One that does not answer ends it after its own limit.
const CANCEL: Duration = Duration::from_secs(5);

/// The program of one request, while it is in a server's hands.
#[derive(Clone, Default)]
pub struct Running(Rc<RefCell<Option<Held>>>);

/// A program in a server's hands.
struct Held {
    connected: Rc<Connected>,
    name: String,
}

impl Running {
    /// The server has it under this name.
    pub fn is(&self, connected: &Rc<Connected>, name: &str) {
        *self.0.borrow_mut() = Some(Held { connected: Rc::clone(connected), name: name.to_owned() });
    }

    /// The name, if the server has said it.
    pub fn name(&self) -> Option<String> {
        self.0.borrow().as_ref().map(|held| held.name.clone())
    }

    /// It is over.
    pub fn forget(&self) {
        *self.0.borrow_mut() = None;
    }

    /// Has the server end it, if it has not ended.
    pub async fn cancel(&self) {
        let Some(Held { connected, name }) = self.0.borrow_mut().take() else { return };
        let mut client = OperationsClient::new(connected.channel.clone());
        let request = connected.request(CancelOperationRequest { name });
        // Not all servers can, and then the program ends by itself.
        let _ = tokio::time::timeout(CANCEL, client.cancel_operation(request)).await;
    }
}

//! What an error of gRPC means.

use std::error::Error;

use runtime::remote::Trouble;
use tonic::{Code, Status};

use crate::certificate;

/// The meaning of an error.
pub fn of(status: &Status) -> Trouble {
    let text = || format!("{}: {}", name(status.code()), words(status));
    match status.code() {
        Code::NotFound => Trouble::NotFound,
        Code::Unauthenticated | Code::PermissionDenied => Trouble::Locked(text()),
        _ if is_of_connection(status) => Trouble::Unreachable(text()),
        Code::Unavailable | Code::DeadlineExceeded => Trouble::Unreachable(text()),
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::InvalidArgument
        | Code::AlreadyExists
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::Internal
        | Code::DataLoss => Trouble::Failed(text()),
    }
}

/// Whether the same request may succeed a moment later.
pub fn may_pass(status: &Status) -> bool {
    if status.source().and_then(certificate::wrong).is_some() {
        return false;
    }
    match status.code() {
        Code::Unavailable | Code::DeadlineExceeded | Code::ResourceExhausted | Code::Aborted | Code::Internal => true,
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::DataLoss
        | Code::Unauthenticated => is_of_connection(status),
    }
}

/// Whether it was made here, because the connection failed, and not by the server.
fn is_of_connection(status: &Status) -> bool {
    status.source().is_some()
}

/// The server's words, or those of everything that led to the error.
fn words(status: &Status) -> String {
    match status.source() {
        Some(source) => certificate::wrong(source).or_else(|| no_grpc(source)).unwrap_or_else(|| chain(source)),
        None if status.message().is_empty() => "no reason given".into(),
        // They are shown on a line.
        None => status.message().split_whitespace().collect::<Vec<_>>().join(" "),
    }
}

/// What to say of a server whose first bytes are none of HTTP/2, for example the beginning of an answer of HTTP/1.
fn no_grpc(error: &dyn Error) -> Option<String> {
    let told = chain(error);
    let text = || format!("it does not speak gRPC; check the port, and whether the address begins with http:// ({told})");
    told.contains("frame with invalid size").then(text)
}

/// An error and its causes, each once.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let more = cause.to_string();
        if !text.ends_with(&more) {
            text += &format!(": {more}");
        }
        next = cause.source();
    }
    text
}

/// The name of a code, as in gRPC's documents.
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_meanings() {
        assert_eq!(of(&Status::not_found("x")), Trouble::NotFound);
        assert_eq!(of(&Status::unauthenticated("who?")), Trouble::Locked("UNAUTHENTICATED: who?".into()));
        assert_eq!(of(&Status::unavailable("")), Trouble::Unreachable("UNAVAILABLE: no reason given".into()));
        assert_eq!(of(&Status::internal("a\n  b")), Trouble::Failed("INTERNAL: a b".into()));
        let lost = Status::from_error(Box::new(std::io::Error::other("reset")));
        assert_eq!(of(&lost), Trouble::Unreachable("UNKNOWN: reset".into()));
        assert!(may_pass(&lost) && may_pass(&Status::aborted("")) && !may_pass(&Status::not_found("")));
    }
}

//! Fetches files by address, many at once, through either client.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::busy::{Tried, patiently};
use super::heard::{Heard, Listener};
use super::netrc::{Netrc, are_beyond};
use super::pace::Pace;
use super::process::{Ended, run};
use super::reason::{classify, reasons};
use super::{AptError, Client, Network, Rate, builtin, over_grpc};
use base::address::public;
use runtime::cancel::Cancel;
use runtime::tool::Tool;

/// A file to fetch. Its content is not checked here.
#[derive(Clone, Debug)]
pub struct Download {
    /// Its address.
    pub uri: String,
    /// The path where it is stored.
    pub target: PathBuf,
    /// The transfer of a longer file is given up.
    pub most_bytes: u64,
    /// Its size, if it is known. Servers that find files by digest and size need it.
    pub size_bytes: Option<u64>,
}

impl Download {
    /// A file of any length.
    pub fn new(uri: String, target: PathBuf) -> Self {
        Self { uri, target, most_bytes: u64::MAX, size_bytes: None }
    }

    /// A file of at most so many bytes: a server that sends more must not fill the disk.
    pub fn at_most(uri: String, target: PathBuf, most_bytes: u64) -> Self {
        Self { uri, target, most_bytes, size_bytes: None }
    }

    /// A file of a known size.
    pub fn sized(uri: String, target: PathBuf, size_bytes: u64) -> Self {
        Self { uri, target, most_bytes: size_bytes, size_bytes: Some(size_bytes) }
    }

    /// What is wrong with a transfer that has brought so many bytes.
    pub(super) fn check_length(&self, bytes: u64) -> Result<(), String> {
        let most = self.most_bytes;
        if bytes > most { Err(format!("the server sends more than the {most} bytes that the file may have")) } else { Ok(()) }
    }
}

/// The outcome of a download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The file is there.
    Fetched,
    /// The server answered that it has no such file.
    NotFound,
    /// The server could not be reached at all, or is too slow.
    Unreachable(String),
    /// Anything else.
    Failed(String),
}

/// How long a server is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How often a failed transfer is tried again; a partial file is resumed.
    pub retries: u32,
    /// How often a server that has no time is asked again, after a pause.
    pub when_busy: u32,
    /// Seconds without a byte after which a server counts as dead.
    pub timeout_s: u32,
    /// A server that is slower than this is given up at once.
    pub least: Rate,
}

impl Patience {
    /// With the usual rate; a busy server is asked again as often as others.
    pub const fn new(retries: u32, timeout_s: u32) -> Self {
        Self { retries, when_busy: retries, timeout_s, least: Rate::USUAL }
    }

    /// How long an answer, and each further byte, is waited for.
    pub(super) fn timeout(self) -> Duration {
        Duration::from_secs(self.timeout_s.into())
    }

    /// How often a server that did not answer is asked once more: each time costs the whole timeout.
    pub(super) fn when_unanswered(self) -> u32 {
        self.retries / 2
    }

    /// Measures a transfer. A long time without a byte means a problem that timeouts do not detect, such as a slowly sent header, or a server
    /// that answers for none of several files.
    pub(super) fn pace(self) -> Pace {
        const TIMEOUTS: u32 = 3;
        Pace::new(self.least, self.timeout() * TIMEOUTS)
    }
}

/// apt's download client, which is not on `PATH`.
pub(super) const APT_HELPER: &str = "/usr/lib/apt/apt-helper";

/// Fetches `downloads` one after the other over a connection kept open, and returns their outcomes in the same order. `report` is called
/// from time to time.
///
/// # Errors
/// When the client cannot be run, or the user asked to stop.
pub fn download(
    client: Client,
    downloads: &[Download],
    patience: Patience,
    report: &dyn Fn(Heard<'_>),
    cancel: &Cancel,
) -> Result<Vec<Outcome>, AptError> {
    let bytes = |more| report(Heard::Bytes(more));
    let over_grpc = downloads.iter().filter(|download| over_grpc::is_of(&download.uri)).count();
    if over_grpc == 0 {
        return by_client(client, downloads, patience, report, cancel);
    }
    if over_grpc == downloads.len() {
        return over_grpc::download(downloads, patience, &bytes, cancel);
    }
    let (theirs, others): (Vec<Download>, Vec<Download>) = downloads.iter().cloned().partition(|download| over_grpc::is_of(&download.uri));
    let mut theirs = over_grpc::download(&theirs, patience, &bytes, cancel)?.into_iter();
    let mut others = by_client(client, &others, patience, report, cancel)?.into_iter();
    let outcome = |download: &Download| if over_grpc::is_of(&download.uri) { theirs.next() } else { others.next() };
    Ok(downloads.iter().map(outcome).map(|outcome| outcome.unwrap_or(Outcome::NotFound)).collect())
}

fn by_client(
    client: Client,
    downloads: &[Download],
    patience: Patience,
    report: &dyn Fn(Heard<'_>),
    cancel: &Cancel,
) -> Result<Vec<Outcome>, AptError> {
    let network = Network::from_environment();
    if client == Client::Builtin || are_beyond(downloads.iter().map(|download| &*download.uri)) {
        return by_builtin(downloads, patience, &network, report, cancel);
    }
    let listener = Listener::new(report, downloads, patience);
    patiently(downloads, patience, &listener, cancel, &|downloads| {
        let mut tried = by_apt(downloads, patience, &network, &listener, cancel)?;
        let again: Vec<usize> = (0..downloads.len()).filter(|at| is_dropped(&downloads[*at], &tried[*at])).collect();
        if !again.is_empty() {
            let asked: Vec<Download> = again.iter().map(|at| downloads[*at].clone()).collect();
            let fetched = builtin::download(&asked, patience, &network, &listener, cancel)?;
            again.into_iter().zip(fetched).for_each(|(at, now)| tried[at] = now);
        }
        Ok(tried)
    })
}

/// As [`download`], without programs of the host.
///
/// # Errors
/// When the user asked to stop.
pub(super) fn by_builtin(
    downloads: &[Download],
    patience: Patience,
    network: &Network,
    report: &dyn Fn(Heard<'_>),
    cancel: &Cancel,
) -> Result<Vec<Outcome>, AptError> {
    let listener = Listener::new(report, downloads, patience);
    let once = |downloads: &[Download]| builtin::download(downloads, patience, network, &listener, cancel);
    patiently(downloads, patience, &listener, cancel, &once)
}

/// The option that has apt believe the authorities in the file that the user named, as the built-in client and `kaon-remote` do.
fn certificates(file: Option<OsString>) -> Option<OsString> {
    let file = file.filter(|file| !file.is_empty())?;
    let mut option = OsString::from("Acquire::https::CaInfo=");
    option.push(file);
    Some(option)
}

/// Whether apt may have dropped the content: where a server ends the connection instead of saying how long a file is, apt reports an empty
/// file as fetched.
fn is_dropped(download: &Download, tried: &Tried) -> bool {
    let is_empty = || fs::metadata(&download.target).is_ok_and(|file| file.len() == 0);
    *tried == Tried::Done(Outcome::Fetched) && download.uri.contains("://") && is_empty()
}

fn by_apt(
    downloads: &[Download],
    patience: Patience,
    network: &Network,
    listener: &Listener<'_>,
    cancel: &Cancel,
) -> Result<Vec<Tried>, AptError> {
    let Patience { retries, timeout_s, when_busy: _, least: _ } = patience;
    let Some(first) = downloads.first() else { return Ok(Vec::new()) };
    let mut tool = Tool::new(APT_HELPER);
    for option in [
        format!("Acquire::Retries={retries}"),
        format!("Acquire::http::Timeout={timeout_s}"),
        format!("Acquire::https::Timeout={timeout_s}"),
    ] {
        tool = tool.arg("-o").arg(option);
    }
    if nix::unistd::geteuid().is_root() {
        tool = tool.args(["-o", "APT::Sandbox::User=root"]);
    }
    if let Some(option) = certificates(env::var_os("SSL_CERT_FILE")) {
        tool = tool.arg("-o").arg(option);
    }
    for (name, value) in network.for_apt() {
        tool = tool.env(name, value);
    }
    let netrc = first.target.with_extension("auth");
    let netrc =
        Netrc::write(&netrc, downloads.iter().map(|download| &*download.uri)).map_err(|source| AptError::io("write", &netrc, source))?;
    if let Some(netrc) = &netrc {
        tool = tool.arg("-o").arg(format!("Dir::Etc::netrc={}", netrc.path().display()));
    }
    tool = tool.arg("download-file");
    for download in downloads {
        tool = tool.arg(public(&download.uri)).arg(&download.target);
    }
    let (mut seen, mut pace) = (0, patience.pace());
    let is_remote = downloads.iter().any(|download| download.uri.contains("://"));
    let mut look = || {
        let length = |download: &Download| fs::metadata(&download.target).map_or(0, |file| file.len());
        let lengths: Vec<u64> = downloads.iter().map(length).collect();
        let more = u64::saturating_sub(lengths.iter().sum(), seen);
        listener.look(more);
        seen += more;
        downloads.iter().zip(lengths).try_for_each(|(download, length)| download.check_length(length))?;
        // Copies of local files are not waited for, but for this program to be run.
        if is_remote { pace.take(more) } else { Ok(()) }
    };
    let ended = run("apt-helper", tool, cancel, &mut look)?;
    // Reports the rest; the pace of a finished transfer does not matter.
    let _ = look();
    Ok(outcomes(downloads, &ended, network))
}

/// The outcome of each download. Apt does not remove incomplete files, so a file counts only if apt reported success.
fn outcomes(downloads: &[Download], ended: &Ended, network: &Network) -> Vec<Tried> {
    let mut reasons = reasons(&ended.stderr);
    let own: Vec<Option<String>> = downloads.iter().map(|download| reasons.remove(&comparable(&download.uri))).collect();
    // A reason with another address belongs to a redirected download.
    let is_clear = ended.status.success() || ended.status.code().is_some() && reasons.is_empty() && own.iter().any(Option::is_some);
    let outcome = |(download, own): (&Download, Option<String>)| {
        let known = |reason: &str| classify(reason, network.via(&download.uri).as_ref());
        match (own, &ended.given_up) {
            (Some(reason), _) => known(&reason),
            (None, Some(reason)) => Tried::Done(Outcome::Unreachable(reason.clone())),
            (None, None) if is_clear && download.target.is_file() => Tried::Done(Outcome::Fetched),
            (None, None) if ended.status.code().is_none() => {
                Tried::Done(Outcome::Failed(format!("apt-helper was ended: {}", ended.status)))
            }
            (None, None) => match reasons.values().next() {
                Some(reason) => known(reason),
                None => Tried::Done(Outcome::Failed(super::process::complaints(&ended.stderr))),
            },
        }
    };
    downloads.iter().zip(own).map(outcome).collect()
}

/// An address in a form for comparison: apt writes `+` as `%2b`, and leaves out the password. So percent-encoded bytes are decoded, and
/// user and password are removed.
pub(super) fn comparable(uri: &str) -> String {
    decoded(&public(uri))
}

/// An address with its percent-encoded bytes decoded (RFC 3986, 2.1).
pub(super) fn decoded(uri: &str) -> String {
    let mut bytes = Vec::with_capacity(uri.len());
    let mut rest = uri.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| *first == b'%').and_then(|digits| hex::decode(digits).ok());
        bytes.push(code.as_ref().map_or(*first, |byte| byte[0]));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The scheme, host and port of an address, which identify the server.
pub fn host(uri: &str) -> &str {
    let after_scheme = uri.find("://").map_or(0, |at| at + 3);
    let end = uri[after_scheme..].find('/').map_or(uri.len(), |at| after_scheme + at);
    &uri[..end]
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::apt::ClientChoice;
    use crate::apt::testing::server::{Server, ok};

    const PATIENCE: Patience = Patience::new(0, 5);

    #[test]
    fn what_is_there_is_fetched_and_what_is_not_is_told() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("there"), "text").unwrap();
        let item =
            |name: &str| Download::new(format!("copy:{}/{name}", folder.path().display()), folder.path().join(format!("{name}.got")));
        for client in [ClientChoice::Auto.client(), Client::Builtin] {
            let outcomes = download(client, &[item("missing"), item("there")], PATIENCE, &|_| {}, &Cancel::new()).unwrap();
            assert_eq!(outcomes, [Outcome::NotFound, Outcome::Fetched]);
            assert_eq!(fs::read(folder.path().join("there.got")).unwrap(), b"text");
            fs::remove_file(folder.path().join("there.got")).unwrap();
        }
    }

    #[test]
    fn files_count_only_if_apt_reported_success() {
        let folder = tempfile::tempdir().unwrap();
        let [part, other] = ["part", "other"].map(|name| Download::new(format!("http://a.test/{name}"), folder.path().join(name)));
        for download in [&part, &other] {
            fs::write(&download.target, "some bytes").unwrap();
        }
        let ended = |status, stderr: &str| Ended { status, stdout: String::new(), stderr: stderr.into(), given_up: None };
        let (by_signal, by_code, well) = (ExitStatus::from_raw(15), ExitStatus::from_raw(100 << 8), ExitStatus::from_raw(0));
        let outcomes = |downloads: &[Download], ended: &Ended| -> Vec<Outcome> {
            outcomes(downloads, ended, &Network::default()).into_iter().map(Tried::outcome).collect()
        };
        let one = |ended: &Ended| outcomes(std::slice::from_ref(&part), ended).remove(0);
        assert_eq!(one(&ended(well, "")), Outcome::Fetched);
        assert!(matches!(one(&ended(by_signal, "")), Outcome::Failed(reason) if reason.contains("signal: 15")));
        assert_eq!(one(&ended(by_code, "E: Interrupted")), Outcome::Failed("Interrupted".into()));
        // A redirected download fails with its last address.
        let cut = "E: Failed to fetch http://b.test/part  Undetermined Error [IP: 1.2.3.4 80]\nE: Download Failed\n";
        assert_eq!(one(&ended(by_code, cut)), Outcome::Failed("the connection ended before the whole file was received".into()));
        let slow = Ended { given_up: Some("too slow".into()), ..ended(ExitStatus::from_raw(9), "") };
        assert_eq!(one(&slow), Outcome::Unreachable("too slow".into()));
        let both = outcomes(&[part.clone(), other], &ended(by_code, &cut.replace("b.test", "a.test")));
        assert_eq!(both[1], Outcome::Fetched, "{both:?}");
    }

    #[test]
    fn the_users_authorities_are_believed() {
        assert_eq!(certificates(Some("/x y.pem".into())), Some("Acquire::https::CaInfo=/x y.pem".into()));
        assert_eq!([certificates(Some("".into())), certificates(None)], [None, None]);
    }

    /// The end of a file may be its length, the last of its pieces, or the end of the connection.
    #[test]
    fn files_of_unsaid_length_are_fetched() {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::new(|asked, _| match asked.target.trim_start_matches('/') {
            "pieces" => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n4\r\ntext\r\n0\r\n\r\n".to_vec(),
            "ended" => b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\ntext".to_vec(),
            "old" => b"HTTP/1.0 200 OK\r\n\r\ntext".to_vec(),
            "empty" => ok(b""),
            _ => ok(b"text"),
        });
        for client in [ClientChoice::Auto.client(), Client::Builtin] {
            let names = ["pieces", "ended", "usual", "old", "empty"];
            let item = |name: &str| Download::new(format!("{}/{name}", server.address), folder.path().join(name));
            let outcomes = download(client, &names.map(item), PATIENCE, &|_| {}, &Cancel::new()).unwrap();
            assert_eq!(outcomes, vec![Outcome::Fetched; names.len()], "{client:?}");
            let found = names.map(|name| fs::read_to_string(folder.path().join(name)).unwrap());
            assert_eq!(found, ["text", "text", "text", "text", ""], "{client:?}");
            names.iter().for_each(|name| fs::remove_file(folder.path().join(name)).unwrap());
        }
    }

    #[test]
    fn no_client_shows_a_password_to_other_users() {
        let folder = tempfile::tempdir().unwrap();
        let shown = Arc::new(Mutex::new(None));
        let seen = Arc::clone(&shown);
        let server = Server::new(move |_, _| {
            let arguments = fs::read_dir("/proc").unwrap().filter_map(|entry| fs::read(entry.unwrap().path().join("cmdline")).ok());
            let all: Vec<String> = arguments.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect();
            *seen.lock().unwrap() = Some(all.iter().any(|line| line.contains("p7nVq2")));
            ok(b"text")
        });
        // The last bytes are `p7nVq2`, `p7nVq2 x` and `p7nVq2@:/%`.
        for (client, password, sent) in [
            (ClientChoice::Auto.client(), "p7nVq2", "bWU6cDduVnEy"),
            (ClientChoice::Auto.client(), "p7nVq2%20x", "bWU6cDduVnEyIHg="),
            (ClientChoice::Auto.client(), "p7nVq2%40%3a%2F%25", "bWU6cDduVnEyQDovJQ=="),
            (Client::Builtin, "p7nVq2", "bWU6cDduVnEy"),
            (Client::Builtin, "p7nVq2%40%3a%2F%25", "bWU6cDduVnEyQDovJQ=="),
        ] {
            let uri = format!("{}/pool/x+1.deb", server.address.replace("http://", &format!("http://me:{password}@")));
            let item = Download::new(uri, folder.path().join("got"));
            let outcomes = download(client, &[item], PATIENCE, &|_| {}, &Cancel::new()).unwrap();
            assert_eq!((outcomes, *shown.lock().unwrap()), (vec![Outcome::Fetched], Some(false)), "{client:?} {password}");
            let asked = server.asked().pop().unwrap();
            let given =
                asked.headers.iter().find_map(|line| line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("authorization")));
            assert_eq!(given.map(|(_, value)| value), Some(&*format!("Basic {sent}")), "{client:?} {password}");
            fs::remove_file(folder.path().join("got")).unwrap();
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "no credentials are left behind");
    }

    #[test]
    fn a_raised_flag_stops_it() {
        let cancel = Cancel::new();
        cancel.raise();
        let item = Download::new("copy:/dev/null".into(), "/nonexistent/x".into());
        for client in [ClientChoice::Auto.client(), Client::Builtin] {
            let result = download(client, std::slice::from_ref(&item), PATIENCE, &|_| {}, &cancel);
            assert!(matches!(result, Err(AptError::Interrupted)));
        }
    }

    #[test]
    fn hosts() {
        assert_eq!(host("https://a.test:8/x/y"), "https://a.test:8");
        assert_eq!(host("https://a.test"), "https://a.test");
        assert_eq!(host("copy:/srv/x"), "copy:");
    }
}

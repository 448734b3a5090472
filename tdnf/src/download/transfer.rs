//! One file from one address.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use ureq::http::StatusCode;
use ureq::http::header::{AUTHORIZATION, CONTENT_LENGTH, RANGE};

use super::address::{Address, basic};
use super::connect::Refused;
use super::proxy::Hop;
use super::{Client, DownloadError, Event, Item, Report};
use rpm_engine::checksum::Hasher;

/// What is fetched slower than this is given up even where nothing is configured: a server that drips must not hold anyone for ever.
const LEAST_RATE_BYTES: u64 = 64;

/// The rate is measured over at least so long.
const MEASURED: Duration = Duration::from_secs(30);

/// Fetches `item` from `url`. What arrived before is kept next to the target as `.part` and asked for only from there on, if the digest is
/// known, so that pieces of different states never come together unseen.
pub(super) fn transfer(client: &Client, item: &Item, address: &Address, report: Report<'_>) -> Result<(), DownloadError> {
    let url = address.url.as_str();
    let part = part_of(&item.to);
    let io = |source| DownloadError::Io { url: url.to_owned(), path: part.clone(), source };
    let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&part).map_err(io)?;
    let fresh = || Hasher::like(item.expected.as_deref().unwrap_or_default());
    let (mut hasher, mut have) = (fresh(), 0);
    if item.expected.is_some() {
        hasher = hasher.read(&mut file).map_err(io)?;
        have = file.metadata().map_err(io)?.len();
    }
    let opened = open(client, address, have)?;
    if !opened.continues {
        file.set_len(0).map_err(io)?;
        io::Seek::rewind(&mut file).map_err(io)?;
        (hasher, have) = (fresh(), 0);
    }
    let limit = item.limit_bytes();
    let too_large = || DownloadError::TooLarge { url: url.to_owned(), limit_bytes: limit };
    if opened.length.is_some_and(|length| length.saturating_add(have) > limit) {
        return Err(too_large());
    }
    report(Event::Started { label: &item.label, total: opened.length.map(|length| length + have).or(item.size), done: have });
    let mut pace = Pace::new(client);
    let mut source = opened.body;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = match source.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read.map_err(|source| DownloadError::Broken { url: url.to_owned(), source })?,
        };
        if read == 0 {
            break;
        }
        have += read as u64;
        if have > limit {
            drop(file);
            let _ = std::fs::remove_file(&part);
            return Err(too_large());
        }
        file.write_all(&buffer[..read]).map_err(io)?;
        hasher.update(&buffer[..read]);
        report(Event::Advanced { label: &item.label, done: have });
        if !pace.keeps(read as u64) {
            return Err(DownloadError::Slow { url: url.to_owned(), least_bytes: pace.least });
        }
    }
    publish(item, url, file, &part, &hasher.hex())
}

/// Checks the digest and gives the file its name. What is wrong is thrown away, or it would be continued for ever.
fn publish(item: &Item, url: &str, file: File, part: &Path, digest: &str) -> Result<(), DownloadError> {
    let io = |source| DownloadError::Io { url: url.to_owned(), path: part.to_owned(), source };
    if item.expected.as_ref().is_some_and(|expected| expected != digest) {
        drop(file);
        std::fs::remove_file(part).map_err(io)?;
        return Err(DownloadError::Digest { url: url.to_owned() });
    }
    file.sync_data().map_err(io)?;
    drop(file);
    std::fs::rename(part, &item.to).map_err(io)
}

/// The name of a file that is not complete yet.
fn part_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

struct Opened {
    body: Box<dyn Read>,
    /// What is still to come, in bytes.
    length: Option<u64>,
    /// Whether it begins where the file ends.
    continues: bool,
}

fn open(client: &Client, address: &Address, have: u64) -> Result<Opened, DownloadError> {
    let url = address.url.as_str();
    if let Some(path) = super::local_path(url) {
        let local = |source| DownloadError::Local { url: url.to_owned(), source };
        let file = File::open(&path).map_err(local)?;
        let length = file.metadata().map_err(local)?.len();
        return Ok(Opened { body: Box::new(file), length: Some(length), continues: false });
    }
    let proxy = proxy(client, url);
    if client.network.is_silent(address.host()) {
        return Err(silent(client, url, proxy));
    }
    let mut request = client.agent.get(url);
    if have > 0 {
        request = request.header(RANGE, format!("bytes={have}-"));
    }
    let authorization = address.credentials.as_deref().map(basic).or_else(|| client.authorization.clone());
    if let Some(authorization) = authorization {
        request = request.header(AUTHORIZATION, authorization);
    }
    let response = request.call().map_err(|source| failed(client, address, source))?;
    client.network.answered(address.host());
    let continues = match (response.status(), proxy) {
        (StatusCode::OK, _) => false,
        (StatusCode::PARTIAL_CONTENT, _) if have > 0 => true,
        // What is there is as long as the whole or longer: the digest decides.
        (StatusCode::RANGE_NOT_SATISFIABLE, _) if have > 0 => {
            return Ok(Opened { body: Box::new(io::empty()), length: Some(0), continues: true });
        }
        (StatusCode::PROXY_AUTHENTICATION_REQUIRED, Some(proxy)) => {
            return Err(DownloadError::Refused { url: url.to_owned(), proxy, status: 407 });
        }
        (status, proxy) => return Err(DownloadError::Status { url: url.to_owned(), status: status.as_u16(), proxy }),
    };
    let length = response.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    Ok(Opened { body: Box::new(response.into_body().into_reader()), length, continues })
}

/// The proxy between here and an address.
fn proxy(client: &Client, url: &str) -> Option<String> {
    client.proxies.hop(&url.parse().ok()?).map(Hop::name)
}

fn silent(client: &Client, url: &str, proxy: Option<String>) -> DownloadError {
    DownloadError::Silent { url: url.to_owned(), seconds: client.patience.as_secs(), proxy }
}

/// Why a request failed. A server that never answered is not asked again: whoever waits has waited long enough.
fn failed(client: &Client, address: &Address, source: ureq::Error) -> DownloadError {
    let url = address.url.clone();
    match source {
        ureq::Error::Timeout(_) if client.network.fell_silent(address.host()) => silent(client, &url, proxy(client, &url)),
        ureq::Error::Other(inner) if inner.is::<Refused>() => match inner.downcast::<Refused>() {
            Ok(refused) => DownloadError::Refused { url, proxy: refused.proxy, status: refused.status },
            Err(inner) => DownloadError::Transfer { url, source: Box::new(ureq::Error::Other(inner)) },
        },
        source => DownloadError::Transfer { url, source: Box::new(source) },
    }
}

/// Keeps a transfer between its least and its greatest rate.
struct Pace {
    least: u64,
    most: u64,
    window: Duration,
    begun: Instant,
    bytes: u64,
    measured_from: Instant,
    measured_bytes: u64,
}

impl Pace {
    fn new(client: &Client) -> Self {
        let now = Instant::now();
        Self {
            least: client.min_rate_bytes.max(LEAST_RATE_BYTES),
            most: client.throttle_bytes,
            window: client.patience.max(MEASURED),
            begun: now,
            bytes: 0,
            measured_from: now,
            measured_bytes: 0,
        }
    }

    /// Counts what arrived, waits where it came too fast, and says whether it came fast enough.
    fn keeps(&mut self, arrived: u64) -> bool {
        self.bytes += arrived;
        self.measured_bytes += arrived;
        if self.most > 0 {
            let due = Duration::from_secs_f64(self.bytes as f64 / self.most as f64);
            sleep(due.saturating_sub(self.begun.elapsed()));
        }
        let elapsed = self.measured_from.elapsed();
        if elapsed < self.window {
            return true;
        }
        let kept = self.measured_bytes as f64 >= self.least as f64 * elapsed.as_secs_f64();
        (self.measured_from, self.measured_bytes) = (Instant::now(), 0);
        kept || self.most > 0
    }
}

//! The numbers of errors: those of the reference (`tdnferror.h`, `tdnfclierror.h`), so that scripts work with both. Exit codes are their
//! lowest bytes.

use std::io;

use clap::CommandFactory as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::args::Cli;
use super::error::{CliError, Downloading};
use super::usage::known;
use crate::cache::CacheError;
use crate::download::DownloadError;
use rpm_engine::config::ConfigError;
use rpm_engine::solver::SolveError;
use rpm_engine::system::SystemError;

/// What the reference adds to the error codes of libcurl.
const OF_CURL: u32 = 1201;

/// What shells add to the number of a signal that ended a program.
const SIGNALLED: u32 = 128;

/// The number of an error.
pub fn of(error: &CliError) -> u32 {
    match error {
        CliError::NothingToDo | CliError::NoData => 0,
        CliError::UpdatesAvailable => 100,
        CliError::Usage(_) => 902,
        CliError::OnlyWithDownload(Downloading::Directory) => 913,
        CliError::OnlyWithDownload(Downloading::All) => 915,
        CliError::Config(error) => of_config(error),
        CliError::Cache(error) => of_cache(error),
        CliError::Download(error) => of_download(error),
        CliError::Solve(SolveError::Missing { .. }) | CliError::NoMatch | CliError::Conditional(_) => 1011,
        CliError::NoEnabledRepos { .. } => 1012,
        CliError::Protected(_) => 1030,
        CliError::Aborted => 1032,
        CliError::BelowMinimum(_) => 1035,
        CliError::Solve(SolveError::Conflict { .. })
        | CliError::Unfit(_)
        | CliError::Locked(_)
        | CliError::Excluded(_)
        | CliError::OlderRequired(_)
        | CliError::StillRequired(_) => 1301,
        CliError::OtherPackage { .. } => 2501,
        CliError::Package(_) | CliError::Untrusted(_) => 1514,
        CliError::CheckFailed(_) => 1515,
        CliError::Transaction(_) => 1525,
        CliError::System(SystemError::History(_)) => 1801,
        CliError::System(_) => 1526,
        CliError::NoSearchResults => 1599,
        CliError::NotRoot => 1601,
        CliError::Io { .. } => 1602,
        CliError::Signalled(signal) => SIGNALLED + *signal as u32,
        CliError::Setting { code, .. } => u32::from(*code),
        CliError::After { error, .. } => of(error),
    }
}

fn of_config(error: &ConfigError) -> u32 {
    match error {
        ConfigError::NotAnAssignment { .. } => 911,
        ConfigError::NoDirectory { .. } => 1005,
        ConfigError::NoSuchRepository { .. } => 1009,
        ConfigError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => 1602,
        ConfigError::Io { .. } | ConfigError::Malformed { .. } | ConfigError::Value { .. } => 1002,
    }
}

fn of_cache(error: &CacheError) -> u32 {
    match error {
        CacheError::Download { source, .. } => of_download(source),
        CacheError::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => 1036,
        CacheError::Io { .. } => 1006,
        CacheError::NotCached { .. } | CacheError::PackagesNotCached { .. } => 1034,
        CacheError::Key { .. } | CacheError::Keys { .. } | CacheError::KeyNotAccepted { .. } => 1505,
        CacheError::NoKeys { .. } => 1523,
        CacheError::Refused { .. }
        | CacheError::Unsigned { .. }
        | CacheError::Older { .. }
        | CacheError::Expired { .. }
        | CacheError::NotInMetalink { .. }
        | CacheError::NoMirror { .. } => 2501,
    }
}

/// An answer that is an error has a number of its own; the others are those of libcurl (`curl.h`), which the reference fetches with.
fn of_download(error: &DownloadError) -> u32 {
    match error {
        DownloadError::Status { .. } | DownloadError::Refused { .. } => 1622,
        DownloadError::Digest { .. } => 2501,
        DownloadError::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => 1036,
        DownloadError::Nowhere { .. } => OF_CURL + 3,
        DownloadError::Proxy { .. } => OF_CURL + 5,
        DownloadError::Transfer { source, .. } => OF_CURL + of_transfer(source),
        DownloadError::Silent { .. } | DownloadError::Slow { .. } => OF_CURL + 28,
        DownloadError::Io { .. } => OF_CURL + 23,
        DownloadError::Local { .. } => OF_CURL + 37,
        DownloadError::Broken { .. } => OF_CURL + 56,
        DownloadError::Certificate { .. } => OF_CURL + 58,
        DownloadError::TooLarge { .. } => OF_CURL + 63,
    }
}

fn of_transfer(error: &ureq::Error) -> u32 {
    match error {
        ureq::Error::BadUri(_) => 3,
        ureq::Error::HostNotFound => 6,
        ureq::Error::Timeout(_) => 28,
        ureq::Error::Rustls(rustls::Error::InvalidCertificate(_)) => 60,
        ureq::Error::Rustls(_) => 35,
        // Whatever else there is, be it in versions to come, is a server that cannot be talked to.
        _ => 7,
    }
}

/// The number of wrong usage.
pub fn of_usage(error: &clap::Error, words: &[String]) -> u32 {
    let command = words.iter().find_map(|word| known(&Cli::command(), word));
    match (error.kind(), command.as_deref()) {
        (ErrorKind::InvalidValue, Some("clean" | "repolist")) if !is_without_value(error) => 901,
        (ErrorKind::MissingRequiredArgument, Some("clean")) => 903,
        (ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand, _) => 904,
        (ErrorKind::MissingRequiredArgument, Some("check-local")) => 906,
        (ErrorKind::MissingRequiredArgument, Some("provides")) => 907,
        (ErrorKind::UnknownArgument, _) => 908,
        (ErrorKind::InvalidValue | ErrorKind::NoEquals, _) if is_without_value(error) => 909,
        (ErrorKind::TooManyValues, _) => 910,
        (ErrorKind::InvalidSubcommand, _) => 912,
        (ErrorKind::ArgumentConflict, Some("repoquery")) => 914,
        (ErrorKind::MissingRequiredArgument, Some("install" | "erase" | "reinstall")) => 1001,
        (ErrorKind::MissingRequiredArgument, Some("search")) => 1599,
        _ => 902,
    }
}

/// Whether an option lacks its value.
fn is_without_value(error: &clap::Error) -> bool {
    matches!(error.get(ContextKind::InvalidValue), None | Some(ContextValue::None))
        || matches!(error.get(ContextKind::InvalidValue), Some(ContextValue::String(value)) if value.is_empty())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use nix::sys::signal::Signal;
    use rpm_engine::package::Nevra;
    use rpm_engine::rpmfile::RpmFileError;
    use rpm_engine::version::Evr;

    use super::*;

    #[test]
    fn numbers_of_errors() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let none = || io::Error::from(io::ErrorKind::NotFound);
        let text = || "x".to_owned();
        let nevra = |version: &str| Box::new(Nevra { name: text(), evr: Evr::parse(version), arch: "noarch".into() });
        let table = [
            (CliError::NothingToDo, 0),
            (CliError::NoData, 0),
            (CliError::UpdatesAvailable, 100),
            (CliError::Usage(text()), 902),
            (CliError::OnlyWithDownload(Downloading::Directory), 913),
            (CliError::OnlyWithDownload(Downloading::All), 915),
            (CliError::NoMatch, 1011),
            (CliError::NoEnabledRepos { others: true }, 1012),
            (CliError::Protected(vec![]), 1030),
            (CliError::Aborted, 1032),
            (CliError::BelowMinimum(vec![]), 1035),
            (CliError::Unfit(text()), 1301),
            (CliError::Locked(vec![]), 1301),
            (RpmFileError::Unsealed { path: "p".into() }.into(), 1514),
            (CliError::OtherPackage { path: "p".into(), found: nevra("1"), expected: nevra("2") }, 2501),
            (CliError::CheckFailed(1), 1515),
            (CliError::NoSearchResults, 1599),
            (CliError::NotRoot, 1601),
            (CliError::Io { path: "p".into(), source: none() }, 1602),
            (CliError::Signalled(Signal::SIGTERM), 143),
            (CliError::Setting { code: 3, text: text() }, 3),
            (ConfigError::NotAnAssignment { text: text() }.into(), 911),
            (ConfigError::Io { path: "p".into(), source: io::Error::other("x") }.into(), 1002),
            (ConfigError::NoDirectory { path: "p".into() }.into(), 1005),
            (ConfigError::NoSuchRepository { id: text() }.into(), 1009),
            (ConfigError::Io { path: "p".into(), source: none() }.into(), 1602),
            (CacheError::Io { path: "p".into(), source: none() }.into(), 1006),
            (CacheError::NotCached { id: text() }.into(), 1034),
            (CacheError::Io { path: "p".into(), source: full() }.into(), 1036),
            (CacheError::KeyNotAccepted { id: text(), key: text() }.into(), 1505),
            (CacheError::NoKeys { id: text() }.into(), 1523),
            (CacheError::Expired { id: text() }.into(), 2501),
            (SolveError::Missing { missing: vec![], similar: vec![] }.into(), 1011),
            (SolveError::Conflict { explanation: text() }.into(), 1301),
        ];
        for (error, number) in table {
            assert_eq!(of(&error), number, "{error}");
        }
    }

    #[test]
    fn numbers_of_downloads() {
        let io = |kind: io::ErrorKind| DownloadError::Io { url: "u".into(), path: "p".into(), source: kind.into() };
        let transfer = |source: ureq::Error| DownloadError::Transfer { url: "u".into(), source: Box::new(source) };
        let table = || {
            [
                (io(io::ErrorKind::StorageFull), 1036),
                (DownloadError::Nowhere { label: "l".into() }, 1204),
                (DownloadError::Proxy { proxy: "p".into(), reason: "r".into() }, 1206),
                (transfer(ureq::Error::HostNotFound), 1207),
                (transfer(ureq::Error::ConnectionFailed), 1208),
                (DownloadError::Silent { url: "u".into(), seconds: 1, proxy: None }, 1229),
                (DownloadError::Slow { url: "u".into(), least_bytes: 1 }, 1229),
                (io(io::ErrorKind::PermissionDenied), 1224),
                (DownloadError::Local { url: "u".into(), source: io::ErrorKind::NotFound.into() }, 1238),
                (DownloadError::Broken { url: "u".into(), source: io::ErrorKind::UnexpectedEof.into() }, 1257),
                (DownloadError::Certificate { path: "p".into(), reason: "r".into() }, 1259),
                (transfer(ureq::Error::Rustls(rustls::Error::InvalidCertificate(rustls::CertificateError::Expired))), 1261),
                (DownloadError::TooLarge { url: "u".into(), limit_bytes: 1 }, 1264),
                (DownloadError::Status { url: "u".into(), status: 404, proxy: None }, 1622),
                (DownloadError::Refused { url: "u".into(), proxy: "p".into(), status: 407 }, 1622),
                (DownloadError::Digest { url: "u".into() }, 2501),
            ]
        };
        for (error, number) in table() {
            assert_eq!(of(&error.into()), number);
        }
        for (source, number) in table() {
            assert_eq!(of(&CacheError::Download { id: "r".into(), source }.into()), number);
        }
    }

    #[test]
    fn numbers_of_wrong_usage() {
        let table = [
            ("clean nonsense", 901),
            ("repolist nonsense", 901),
            ("--ipv4 --ipv6 list", 902),
            ("mark nonsense app", 902),
            ("clean", 903),
            ("", 904),
            ("check-local", 906),
            ("provides", 907),
            ("whatprovides", 907),
            ("list --nonsense", 908),
            ("--nonsense list", 908),
            ("list --installroot", 909),
            ("nonsense", 912),
            ("repoquery --requires --provides", 914),
            ("install", 1001),
            ("erase", 1001),
            ("remove", 1001),
            ("reinstall", 1001),
            ("search", 1599),
        ];
        for (written, expected) in table {
            let words: Vec<String> = written.split_whitespace().map(str::to_owned).collect();
            let error = Cli::try_parse_from(std::iter::once("tdnf".to_owned()).chain(words.clone())).unwrap_err();
            assert_eq!(of_usage(&error, &words), expected, "{written}: {:?} {error}", error.kind());
        }
    }
}

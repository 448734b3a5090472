//! Fetches files of caches that speak gRPC, through `kaon-remote`.

use std::collections::BTreeMap;

use super::{AptError, Download, Outcome, Patience};
use runtime::cancel::Cancel;
use runtime::remote::{self, Answer, Blob, Call, Name, RemoteError, Server, Trouble, Wanted};

/// Whether an address is one of these.
pub(super) fn is_of(uri: &str) -> bool {
    Server::is_meant(uri)
}

/// Fetches `downloads`, several at once, like [`fn@super::download`].
///
/// # Errors
/// When the user asked to stop.
pub(super) fn download(
    downloads: &[Download],
    patience: Patience,
    report: &dyn Fn(u64),
    cancel: &Cancel,
) -> Result<Vec<Outcome>, AptError> {
    let mut outcomes: Vec<Outcome> = downloads.iter().map(|_| Outcome::NotFound).collect();
    let mut of_servers: BTreeMap<Server, Vec<(usize, Wanted)>> = BTreeMap::new();
    for (at, download) in downloads.iter().enumerate() {
        match wanted(download) {
            Ok((server, wanted)) => of_servers.entry(server).or_default().push((at, wanted)),
            Err(reason) => outcomes[at] = Outcome::Failed(reason),
        }
    }
    let patience = remote::Patience { retries: patience.retries, silence_s: patience.timeout_s };
    for (server, files) in of_servers {
        let (places, files): (Vec<usize>, Vec<Wanted>) = files.into_iter().unzip();
        let answer = remote::connection().and_then(|program| program.call(Call::Fetch { server, files, patience }, cancel, report));
        let ends = match answer {
            Ok(Answer::Fetched(ends)) => ends.into_iter().map(outcome).collect(),
            Ok(Answer::Failed(trouble)) => vec![outcome(Err(trouble)); places.len()],
            Ok(Answer::Missing(_) | Answer::Stored | Answer::Runs(_) | Answer::Executed(_)) => {
                vec![Outcome::Failed("`kaon-remote` answered something else".into()); places.len()]
            }
            Err(RemoteError::Interrupted) => return Err(AptError::Interrupted),
            Err(error) => vec![Outcome::Unreachable(error.to_string()); places.len()],
        };
        for (at, end) in places.into_iter().zip(ends) {
            outcomes[at] = end;
        }
    }
    Ok(outcomes)
}

fn outcome(end: Result<(), Trouble>) -> Outcome {
    match end {
        Ok(()) => Outcome::Fetched,
        Err(Trouble::NotFound) => Outcome::NotFound,
        Err(Trouble::Unreachable(reason)) => Outcome::Unreachable(reason),
        Err(Trouble::Locked(reason) | Trouble::Failed(reason)) => Outcome::Failed(reason),
    }
}

/// The server of an address, and the file there: the last part of the address, with the folder before it if that is one of a cache.
fn wanted(download: &Download) -> Result<(Server, Wanted), String> {
    let uri = download.uri.as_str();
    let (above, last) = uri.rsplit_once('/').unwrap_or((uri, ""));
    let in_folder = ["/ac", "/cas"].iter().find_map(|folder| above.strip_suffix(folder));
    let server: Server = in_folder.unwrap_or(above).parse().map_err(|error: remote::InvalidServer| error.to_string())?;
    let name = match (in_folder, last.parse(), download.size_bytes) {
        (Some(_), Ok(sha256), Some(size_bytes)) if above.ends_with("/cas") => Name::Blob(Blob { sha256, size_bytes }),
        (Some(folder), _, _) => Name::of_path(&uri[folder.len() + 1..]),
        (None, _, _) => Name::of_path(last),
    };
    Ok((server, Wanted { name, target: download.target.clone(), most_bytes: download.most_bytes }))
}

#[cfg(test)]
mod tests {
    use base::digest::Digest;

    use super::*;

    #[test]
    fn addresses_name_a_server_and_a_file() {
        let sha256 = Digest::of_bytes("x");
        let of = |path: &str, size_bytes| {
            let uri = format!("grpc://u:p@a.test:1/{path}");
            let (server, wanted) = wanted(&Download { uri, target: "/x".into(), most_bytes: 9, size_bytes }).unwrap();
            (server.instance().to_owned(), wanted.name)
        };
        assert_eq!(of(&format!("main/x/ac/{sha256}"), None), ("main/x".into(), Name::Entry(sha256)));
        assert_eq!(of(&format!("cas/{sha256}"), Some(7)), (String::new(), Name::Blob(Blob { sha256, size_bytes: 7 })));
        assert_eq!(of(&format!("cas/{sha256}"), None), (String::new(), Name::Pointer(remote::pointer_of(&sha256))));
        assert_eq!(of("main/builder.toml", None), ("main".into(), Name::Pointer("builder.toml".into())));
        let broken = Download { uri: "grpc://a.test/x".into(), target: "/x".into(), most_bytes: 9, size_bytes: None };
        assert!(wanted(&broken).unwrap_err().contains("a host and a port"));
    }
}

//! Bringing a repository's cached metadata up to date.

use std::fs;
use std::path::{Path, PathBuf};

use super::{CacheError, Context, Kept, io_at, keys, publish, seen};
use crate::download::{self, Client, Item};
use rpm_engine::checksum::{self, Checksum};
use rpm_engine::config::RepositoryConfig;
use rpm_engine::keyring::Keyring;
use rpm_engine::repo::percent::encoded;
use rpm_engine::repo::{Document, LARGEST_INDEX_BYTES, LARGEST_PACKED_BYTES, Metadata, Metalink, RepoError};

/// As many characters are shown of a list of mirrors that lists none.
const SHOWN_OF_A_LIST: usize = 80;

/// Where the repository is, and what its index may be.
#[derive(Clone)]
struct Mirrors {
    urls: Vec<String>,
    /// The checksum of the index, one of these; empty where nobody says.
    digests: Vec<String>,
}

/// Fetches the index, checks it, then fetches the documents of `kinds` that changed; the index is put in place last.
pub(super) fn refresh(kept: &Kept<'_>, context: &Context<'_>, kinds: &[&'static str]) -> Result<Metadata, CacheError> {
    let repository = kept.repository;
    let id = || repository.id.clone();
    let client = Client::new(repository, context.network).map_err(|source| CacheError::Download { id: id(), source })?;
    (context.note)(&format!("Refreshing metadata for '{}'", repository.name));
    let arriving = kept.folder.join("arriving");
    let _ = fs::remove_dir_all(&arriving);
    fs::create_dir_all(arriving.join("repodata")).map_err(io_at(&arriving))?;
    let mirrors = mirrors(repository, &client, &arriving, context)?;
    let from = |urls: &[String]| index_from(kept, &client, &Mirrors { urls: urls.to_vec(), ..mirrors.clone() }, &arriving, context);
    let (metadata, trusted) = match from(&mirrors.urls) {
        // A mirror may be outdated, or show a page of its own.
        Err(error) if error.is_of_mirror() && mirrors.urls.len() > 1 => {
            mirrors.urls.iter().find_map(|url| from(std::slice::from_ref(url)).ok()).ok_or(error)?
        }
        found => found?,
    };
    publish(&kept.folder.join("mirrors"), mirrors.urls.join("\n").as_bytes())?;
    documents(kept, &metadata, kinds, context)?;
    for name in ["repomd.xml.asc", "repomd.xml"] {
        let (from, to) = (arriving.join("repodata").join(name), kept.folder.join("repodata").join(name));
        if from.exists() {
            fs::rename(&from, &to).map_err(io_at(&to))?;
        }
    }
    fs::remove_dir_all(&arriving).map_err(io_at(&arriving))?;
    seen::remember(context.persistent, &kept.name, &metadata.repomd)?;
    publish(&kept.folder.join("lastrefresh"), format!("{}\n", context.now).as_bytes())?;
    let metadata = Metadata::open(&kept.folder, trusted.as_ref().map(|keys| keys.at(context.now)))
        .map_err(|source| CacheError::Refused { id: id(), source })?;
    sweep(kept, &metadata)?;
    Ok(metadata)
}

/// Fetches the index into `arriving` and checks it. The keys that it was checked with are returned, if it was.
fn index_from(
    kept: &Kept<'_>,
    client: &Client,
    mirrors: &Mirrors,
    arriving: &Path,
    context: &Context<'_>,
) -> Result<(Metadata, Option<Keyring>), CacheError> {
    let repository = kept.repository;
    let index = arriving.join("repodata/repomd.xml");
    fetch_index(repository, client, mirrors, &index, context, "repodata/repomd.xml")?;
    if !mirrors.digests.is_empty() && !mirrors.digests.iter().any(|digest| checksum::has(&index, digest).unwrap_or(false)) {
        return Err(CacheError::NotInMetalink { id: repository.id.clone() });
    }
    let trusted = match repository.transport.repo_gpgcheck {
        true => {
            let signature = arriving.join("repodata/repomd.xml.asc");
            fetch_index(repository, client, mirrors, &signature, context, "repodata/repomd.xml.asc").map_err(unsigned)?;
            Some(keys::keyring(repository, context)?)
        }
        false => None,
    };
    let refused = |source| CacheError::Refused { id: repository.id.clone(), source };
    let (metadata, trusted) = match Metadata::open(arriving, trusted.as_ref().map(|keys| keys.at(context.now))) {
        // It may be signed with a new key, which is where the old one was.
        Err(RepoError::Untrusted { folder, source }) => match keys::renewed(repository, context)? {
            Some(renewed) => (Metadata::open(arriving, Some(renewed.at(context.now))).map_err(refused)?, Some(renewed)),
            None => return Err(refused(RepoError::Untrusted { folder, source })),
        },
        opened => (opened.map_err(refused)?, trusted),
    };
    unexpired(repository, &metadata, context)?;
    seen::check(context.persistent, &kept.name, &repository.id, &metadata.repomd)?;
    Ok((metadata, trusted))
}

/// The index was there; where its signature is not, nobody signed it.
fn unsigned(error: CacheError) -> CacheError {
    match error {
        CacheError::Download { id, source } if source.is_missing() => CacheError::Unsigned { id, source },
        other => other,
    }
}

/// Refuses metadata that says of itself that its time is over: an old state with its good signature, shown for ever.
pub(super) fn unexpired(repository: &RepositoryConfig, metadata: &Metadata, context: &Context<'_>) -> Result<(), CacheError> {
    match metadata.repomd.expires {
        Some(expires) if repository.transport.repo_gpgcheck && expires <= context.now => {
            Err(CacheError::Expired { id: repository.id.clone() })
        }
        _ => Ok(()),
    }
}

/// Fetches those documents of `kinds` that the repository has and the cache has not. Their digests are checked on arrival.
pub(super) fn documents(kept: &Kept<'_>, metadata: &Metadata, kinds: &[&'static str], context: &Context<'_>) -> Result<(), CacheError> {
    let repository = kept.repository;
    let failed = |source| CacheError::Download { id: repository.id.clone(), source };
    let client = Client::new(repository, context.network).map_err(failed)?;
    let mirrors = kept.mirrors();
    let mut items = Vec::new();
    for document in kinds.iter().filter_map(|kind| metadata.repomd.get(kind)) {
        let to = kept.folder.join(&document.location);
        // One whose checksum does not count is refused by whoever reads it.
        if !document.is_sealed() || checksum::has(&to, &document.checksum).unwrap_or(false) {
            continue;
        }
        let parent = to.parent().unwrap_or(&kept.folder);
        fs::create_dir_all(parent).map_err(io_at(parent))?;
        items.push((&client, item(repository, document, &mirrors, to)));
    }
    download::fetch_all(&items, context.at_once, context.report).map_err(failed)
}

/// A document as something to be fetched to `to`.
pub(super) fn item(repository: &RepositoryConfig, document: &Document, mirrors: &[String], to: PathBuf) -> Item {
    let urls = match &document.url {
        Some(url) => vec![url.clone()],
        None => mirrors.iter().map(|mirror| join(mirror, &document.location)).collect(),
    };
    Item {
        label: format!("{}: {}", repository.id, document.location),
        urls,
        to,
        expected: Some(document.checksum.clone()).filter(|checksum| !checksum.is_empty()),
        size: document.size,
        most_bytes: LARGEST_PACKED_BYTES,
    }
}

/// An address below another, if it is not one by itself. Locations are plain text, so they are encoded, but for a base that is a bare path.
/// What follows `?` in the base, a token as a rule, goes with every address below it.
pub(super) fn join(base: &str, location: &str) -> String {
    if location.contains("://") {
        return location.to_owned();
    }
    if base.starts_with('/') {
        return format!("{}/{location}", base.trim_end_matches('/'));
    }
    let location = encoded(location);
    match base.split_once('?').filter(|(base, _)| base.starts_with("http")) {
        Some((base, query)) => format!("{}/{location}?{query}", base.trim_end_matches('/')),
        None => format!("{}/{location}", base.trim_end_matches('/')),
    }
}

fn fetch_index(
    repository: &RepositoryConfig,
    client: &Client,
    mirrors: &Mirrors,
    to: &Path,
    context: &Context<'_>,
    location: &str,
) -> Result<(), CacheError> {
    let item = Item {
        label: format!("{}: {location}", repository.id),
        urls: mirrors.urls.iter().map(|mirror| join(mirror, location)).collect(),
        to: to.to_owned(),
        expected: None,
        size: None,
        most_bytes: LARGEST_INDEX_BYTES,
    };
    download::fetch(client, &item, context.report).map_err(|source| CacheError::Download { id: repository.id.clone(), source })
}

/// `baseurl` first, then what the metalink and the list of mirrors name.
fn mirrors(repository: &RepositoryConfig, client: &Client, folder: &Path, context: &Context<'_>) -> Result<Mirrors, CacheError> {
    let mut mirrors = Mirrors { urls: repository.base_urls.clone(), digests: Vec::new() };
    let fetch = |url: &String, name: &str| {
        let to = folder.join(name);
        let item = Item {
            label: format!("{}: {name}", repository.id),
            urls: vec![url.clone()],
            to: to.clone(),
            expected: None,
            size: None,
            most_bytes: LARGEST_INDEX_BYTES,
        };
        download::fetch(client, &item, context.report).map_err(|source| CacheError::Download { id: repository.id.clone(), source })?;
        fs::read_to_string(&to).map_err(io_at(&to))
    };
    if let Some(url) = &repository.metalink {
        let text = fetch(url, "metalink")?;
        mirrors.add_metalink(&text, repository, context)?;
    }
    if let Some(url) = &repository.mirror_list {
        let added = fetch(url, "mirrorlist").and_then(|text| mirrors.add_list(url, &text, repository, context));
        match added {
            // The list only adds to addresses that are there without it.
            Err(error) if error.is_of_repository() && !mirrors.urls.is_empty() => (context.warn)(&error.with_causes()),
            added => added?,
        }
    }
    Ok(mirrors)
}

impl Mirrors {
    fn add_metalink(&mut self, text: &str, repository: &RepositoryConfig, context: &Context<'_>) -> Result<(), CacheError> {
        let metalink = Metalink::parse(text).map_err(|source| CacheError::Refused { id: repository.id.clone(), source })?;
        if let Some(weak) = metalink.digests.first().and_then(|digest| Checksum::of(digest)).filter(|kind| !kind.is_strong()) {
            let message = format!("the metalink of the repository `{}` has no checksum stronger than {}", repository.id, weak.name());
            (context.warn)(&message);
        }
        self.urls.extend(metalink.mirrors);
        self.digests.extend(metalink.digests);
        Ok(())
    }

    /// Adds what is at `url`, where a list of mirrors is expected: also a metalink, which some operators name there.
    fn add_list(&mut self, url: &str, text: &str, repository: &RepositoryConfig, context: &Context<'_>) -> Result<(), CacheError> {
        if text.trim_start().starts_with('<') && text.contains("<metalink") {
            return self.add_metalink(text, repository, context);
        }
        let lines = text.lines().map(str::trim).filter(|line| line.starts_with("http") || line.starts_with("file:///"));
        let found: Vec<String> = lines.map(|line| context.variables.expand(line)).collect();
        if found.is_empty() {
            let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
            let begins = first.chars().take(SHOWN_OF_A_LIST).collect();
            return Err(CacheError::NoMirror { id: repository.id.clone(), url: download::shown(url), begins });
        }
        self.urls.extend(found);
        Ok(())
    }
}

/// Removes documents that the index does not name any more.
fn sweep(kept: &Kept<'_>, metadata: &Metadata) -> Result<(), CacheError> {
    let folder = kept.folder.join("repodata");
    let named = |name: &str| {
        let location = format!("repodata/{name}");
        metadata.repomd.kinds().any(|kind| metadata.repomd.get(kind).is_some_and(|all| all.location == location))
    };
    for entry in fs::read_dir(&folder).map_err(io_at(&folder))? {
        let path = entry.map_err(io_at(&folder))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !name.starts_with("repomd.xml") && !named(name) {
            fs::remove_file(&path).map_err(io_at(&path))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::join;

    #[test]
    fn addresses_below_others() {
        let table = [
            ("http://h/a", "http://h/a/x/y.rpm"),
            ("https://h/a/?token=b/c", "https://h/a/x/y.rpm?token=b/c"),
            ("file:///srv/a?b/", "file:///srv/a?b/x/y.rpm"),
            ("/srv/a?b", "/srv/a?b/x/y.rpm"),
        ];
        for (base, expected) in table {
            assert_eq!(join(base, "x/y.rpm"), expected);
        }
        assert_eq!(join("http://h/a?b", "http://other/x%20y.rpm"), "http://other/x%20y.rpm");
        let table = [("https://h/a%20b", "x%20y/b%231%2B%25.rpm"), ("file:///a%20b", "x%20y/b%231%2B%25.rpm"), ("/a b", "x y/b#1+%.rpm")];
        for (base, expected) in table {
            assert_eq!(join(base, "x y/b#1+%.rpm"), format!("{base}/{expected}"));
        }
    }
}

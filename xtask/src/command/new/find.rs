//! What the archive shows about its spec, or the user states instead.

use super::error::NewError;
use super::{Chosen, Options};
use crate::cli::Context;
use base::diagnostic::Report;
use base::digest::Digest;
use planning::draft::{Archive, FoundLicence, Guess, System, guess, licence_of, top_of};
use runtime::store::Store;
use sdk::source::{ArchiveError, archive};

/// What a spec needs to know about its archive.
pub(super) struct Found {
    /// How it is built.
    pub(super) guess: Guess,
    /// SPDX expression.
    pub(super) license: String,
}

/// Examines the archive in the store. The user's options take precedence.
pub(super) fn find(context: &Context<'_>, store: &Store, options: &Options, digest: &Digest) -> Result<Found, Report> {
    let file = options.url.rsplit('/').next().unwrap_or_default().to_owned();
    let path = store.verified(digest)?;
    let archive = match archive(&path, &file, &context.cancel) {
        // Then the options already contain everything.
        Err(ArchiveError::Unsupported { .. }) if options.system.is_some() && options.license.is_some() => None,
        result => Some(result?),
    };
    let archive = archive.as_ref();
    Ok(Found { guess: how_built(archive, options.system, &file)?, license: license(archive, options, file)? })
}

fn how_built(archive: Option<&Archive>, chosen: Option<Chosen>, file: &str) -> Result<Guess, NewError> {
    let guessed = archive.and_then(guess);
    let Some(chosen) = chosen else {
        return guessed.ok_or_else(|| NewError::System { file: file.to_owned() });
    };
    let strip = archive.map_or(1, |archive| u32::from(!top_of(archive).is_empty()));
    let found = guessed.unwrap_or(Guess { system: System::Make, strip, subdir: String::new(), is_library: false });
    let system = match (chosen, found.system) {
        (Chosen::Autotools, system @ (System::Autotools { .. } | System::Bootstrap)) => system,
        (Chosen::Autotools, _) => System::Autotools { is_generated: true },
        (Chosen::Meson, _) => System::Meson,
        (Chosen::Cmake, _) => System::Cmake,
        (Chosen::Make, _) => System::Make,
    };
    Ok(Guess { system, ..found })
}

fn license(archive: Option<&Archive>, options: &Options, file: String) -> Result<String, NewError> {
    if let Some(license) = &options.license {
        return Ok(license.clone());
    }
    let found = archive.map(|archive| licence_of(archive, &top_of(archive)));
    match found.unwrap_or(FoundLicence::Unsure { files: Vec::new(), candidates: Vec::new() }) {
        FoundLicence::Sure(spdx) => Ok(spdx.to_owned()),
        FoundLicence::Unsure { files, candidates } => Err(NewError::Licence { file, files, candidates }),
    }
}

//! Packages.

use super::{Ask, Interview, NO_ANSWER};
use kickstart::Kickstart;
use text::nearest;

/// The set of tools for people at a prompt.
pub(super) const DEVELOPER: &str = "developer";

impl Interview {
    /// A set by its index, or others.
    pub(super) fn package_set(&self, kickstart: &mut Kickstart, index: usize) -> Result<Ask, String> {
        kickstart.packages = vec!["minimal".to_owned()];
        match index {
            0 => Ok(Ask::Kernel),
            1 => {
                self.missing(DEVELOPER).map_or(Ok(()), Err)?;
                kickstart.packages.push(DEVELOPER.to_owned());
                Ok(Ask::Kernel)
            }
            2 => Ok(Ask::OtherPackages),
            _ => Err(NO_ANSWER.into()),
        }
    }

    /// Packages by name, apart by blanks.
    pub(super) fn packages(&self, kickstart: &mut Kickstart, text: &str) -> Result<Ask, String> {
        kickstart.packages = text.split_whitespace().map(str::to_owned).collect();
        if kickstart.packages.is_empty() {
            return Err("enter at least one package".into());
        }
        if let Some(reason) = kickstart.packages.iter().find_map(|name| Some((name, self.missing(name)?))) {
            let near = nearest(reason.0, self.about.offers.packages.keys().map(String::as_str));
            return Err(reason.1 + &near.map(|name| format!("; there is `{name}`")).unwrap_or_default());
        }
        Ok(Ask::Kernel)
    }
}

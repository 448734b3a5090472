//! The text form of file capabilities (cap_from_text(3)): `cap_net_raw,cap_net_admin=ep`.

use text::nearest;
pub use well_known::CAPABILITIES;

/// Why a text is not a description of file capabilities.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCaps {
    /// There are only blanks.
    #[error("`caps` is blank")]
    Blank,
    /// A clause does not say which sets the capabilities are in.
    #[error("`{clause}` does not say which capability sets to change")]
    NoSets {
        /// The clause.
        clause: String,
    },
    /// The capability does not exist.
    #[error("unknown capability `{name}`")]
    UnknownName {
        /// Its name.
        name: String,
    },
    /// A letter or operator is unknown, or in the wrong place.
    #[error("`{sets}` of `{clause}` is not `=`, `+` or `-` with the letters `e`, `i` and `p`")]
    Sets {
        /// The text after the names.
        sets: String,
        /// The clause.
        clause: String,
    },
    /// A file has one effective bit for all its capabilities.
    #[error("`{text}` makes only some of its capabilities effective, which the kernel cannot store")]
    PartlyEffective {
        /// The text.
        text: String,
    },
}

impl InvalidCaps {
    /// The hint, if there is one for this error in particular.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownName { name } => {
                let lower = name.to_ascii_lowercase();
                let near = nearest(lower.strip_prefix("cap_").unwrap_or(&lower), CAPABILITIES)?;
                Some(format!("did you mean `cap_{near}`?"))
            }
            Self::PartlyEffective { .. } => Some("set `e` for all of them, or for none".into()),
            Self::Blank => Some("write `\"\"` for a file without capabilities".into()),
            Self::NoSets { .. } | Self::Sets { .. } => None,
        }
    }
}

/// Checks a text of file capabilities that RPM, the kernel and this distribution's tdnf must all accept. An empty text removes capabilities
/// that the build set.
///
/// # Errors
/// The first mistake in it.
pub fn check(text: &str) -> Result<(), InvalidCaps> {
    let mut sets = Sets::default();
    for clause in text.split_whitespace() {
        let at = clause.find(['=', '+', '-']).ok_or_else(|| InvalidCaps::NoSets { clause: clause.to_owned() })?;
        let (names, actions) = clause.split_at(at);
        let mask = mask(names)?;
        if names.is_empty() && !actions.starts_with('=') || sets.apply(mask, actions).is_none() {
            return Err(InvalidCaps::Sets { sets: actions.to_owned(), clause: clause.to_owned() });
        }
    }
    if !text.is_empty() && text.trim().is_empty() {
        Err(InvalidCaps::Blank)
    } else if sets.effective != 0 && sets.effective != sets.permitted | sets.inheritable {
        Err(InvalidCaps::PartlyEffective { text: text.to_owned() })
    } else {
        Ok(())
    }
}

/// The three sets of a file, as bits by the capabilities' numbers.
#[derive(Default)]
struct Sets {
    effective: u64,
    inheritable: u64,
    permitted: u64,
}

impl Sets {
    /// Applies `=ep`, `+i` or `=p+e` to the capabilities of `mask`; `None` if it is none of these.
    fn apply(&mut self, mask: u64, actions: &str) -> Option<()> {
        let is_operator = |c: char| matches!(c, '=' | '+' | '-');
        let mut adds = true;
        let mut before = None;
        for action in actions.chars() {
            if is_operator(action) && before.is_some_and(is_operator) {
                return None;
            }
            match action {
                '=' if before.is_none() => self.clear(mask),
                '+' => adds = true,
                '-' => adds = false,
                'e' => change(&mut self.effective, mask, adds),
                'i' => change(&mut self.inheritable, mask, adds),
                'p' => change(&mut self.permitted, mask, adds),
                _ => return None,
            }
            before = Some(action);
        }
        Some(())
    }

    fn clear(&mut self, mask: u64) {
        for set in [&mut self.effective, &mut self.inheritable, &mut self.permitted] {
            change(set, mask, false);
        }
    }
}

fn change(set: &mut u64, mask: u64, adds: bool) {
    if adds { *set |= mask } else { *set &= !mask }
}

/// The bits of `cap_net_raw,cap_net_admin`; all of them for no name and for `all`.
fn mask(names: &str) -> Result<u64, InvalidCaps> {
    if names.is_empty() || names.eq_ignore_ascii_case("all") {
        return Ok((1 << CAPABILITIES.len()) - 1);
    }
    names.split(',').try_fold(0, |mask, name| {
        let lower = name.to_ascii_lowercase();
        let number = CAPABILITIES.iter().position(|known| lower.strip_prefix("cap_") == Some(known));
        number.map(|number| mask | 1 << number).ok_or_else(|| InvalidCaps::UnknownName { name: name.to_owned() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_capabilities_are_accepted() {
        for good in [
            "cap_net_raw=ep",
            "cap_net_raw,cap_net_admin+ep",
            "CAP_SETUID=p",
            "cap_bpf=ei",
            "=ep cap_sys_admin-ep",
            "all=p",
            "cap_kill=p+e",
            "",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn mistakes_are_told() {
        for (text, message, hint) in [
            (" ", "`caps` is blank", Some("write `\"\"` for a file without capabilities")),
            ("cap_net_raw", "`cap_net_raw` does not say which capability sets to change", None),
            ("cap_nonsense=ep", "unknown capability `cap_nonsense`", None),
            ("cap_net_rwa=ep", "unknown capability `cap_net_rwa`", Some("did you mean `cap_net_raw`?")),
            ("net_raw=ep", "unknown capability `net_raw`", Some("did you mean `cap_net_raw`?")),
            ("cap_kill, cap_bpf=p", "`cap_kill,` does not say which capability sets to change", None),
            ("cap_kill=x", "`=x` of `cap_kill=x` is not `=`, `+` or `-` with the letters `e`, `i` and `p`", None),
            ("cap_kill=+p", "`=+p` of `cap_kill=+p` is not `=`, `+` or `-` with the letters `e`, `i` and `p`", None),
            ("+ep", "`+ep` of `+ep` is not `=`, `+` or `-` with the letters `e`, `i` and `p`", None),
            (
                "cap_net_raw=ep cap_kill=p",
                "`cap_net_raw=ep cap_kill=p` makes only some of its capabilities effective, which the kernel cannot store",
                Some("set `e` for all of them, or for none"),
            ),
        ] {
            let error = check(text).expect_err(text);
            assert_eq!(error.to_string(), message);
            assert_eq!(error.hint().as_deref(), hint, "{text}");
        }
    }
}

//! Who provides what.

use std::collections::HashMap;

use super::Package;
use crate::dependency::Capability;

/// What some packages provide, by name. A lookup takes no longer for a package that provides thousands of names.
#[derive(Debug, Default)]
pub struct Provided<'a> {
    /// The packages with what they say of the name; nothing for a path.
    by_name: HashMap<&'a str, Vec<(usize, Option<&'a Capability>)>>,
}

impl<'a> Provided<'a> {
    /// What these packages provide, each with its number.
    pub fn of(packages: impl IntoIterator<Item = (usize, &'a Package)>) -> Self {
        let mut provided = Self::default();
        for (index, package) in packages {
            for capability in &package.provides {
                provided.by_name.entry(&capability.name).or_default().push((index, Some(capability)));
            }
            for path in &package.paths {
                provided.by_name.entry(path).or_default().push((index, None));
            }
        }
        provided
    }

    /// The packages that provide `wanted`, in the order in which they were given, each once.
    pub fn by<'b>(&'b self, wanted: &'b Capability) -> impl Iterator<Item = usize> + 'b {
        let satisfies = |provided: &Option<&Capability>| match provided {
            Some(provided) => wanted.satisfied_by(provided),
            None => wanted.range.is_none(),
        };
        let mut last = None;
        let all = self.by_name.get(wanted.name.as_str()).into_iter().flatten();
        all.filter(move |(_, provided)| satisfies(provided))
            .map(|(index, _)| *index)
            .filter(move |index| last.replace(*index) != Some(*index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::solver::tests::package;

    #[test]
    fn by_provides_and_paths() {
        let mut packages =
            [package("lib-2", &["provides: so, so = 1"]), package("other-1", &["provides: so = 3"]), package("shell-1", &[])];
        packages[2].paths.push("/bin/sh".into());
        let provided = Provided::of(packages.iter().enumerate());
        let table: [(&str, &[usize]); 7] = [
            ("lib", &[0]),
            ("so", &[0, 1]),
            ("so = 1", &[0]),
            ("so >= 1", &[0, 1]),
            ("/bin/sh", &[2]),
            ("/bin/sh = 1", &[]),
            ("none", &[]),
        ];
        for (wanted, expected) in table {
            assert_eq!(provided.by(&Capability::parse(wanted).unwrap()).collect::<Vec<_>>(), expected, "{wanted}");
        }
    }
}

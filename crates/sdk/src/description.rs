//! `specs/sdk.toml`: which Debian packages make each layer.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{LayerName, SdkError};
use base::diagnostic::Problems;
use base::digest::Digest;
use base::document::{Document, Spanned, Table};
use base::glob::Glob;
use text::did_you_mean;

/// The whole SDK, as described.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The Debian suite of its packages.
    pub suite: String,
    /// Globs of files that layers do not contain.
    pub drop: Vec<String>,
    /// Globs of files that layers contain although `drop` matches them.
    pub keep: Vec<String>,
    /// Layers by name.
    pub layers: BTreeMap<LayerName, Layer>,
}

/// One layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Layer {
    /// What it is for, one line.
    pub summary: String,
    /// The suite of its packages, if it is not the SDK's; dependencies that it lacks come from the SDK's suite.
    pub suite: Option<String>,
    /// Layers it needs below it.
    pub needs: Vec<LayerName>,
    /// Debian packages included with their dependencies.
    pub packages: Vec<String>,
    /// Debian packages included without their dependencies.
    pub alone: Vec<String>,
    /// Debian packages left out although others depend on them.
    pub exclude: Vec<String>,
    /// Symbolic links made after unpacking, as Debian's alternatives would: path → target.
    pub links: BTreeMap<String, String>,
}

impl Description {
    /// Parses the text of `sdk.toml`; `path` is shown in problems.
    ///
    /// # Errors
    /// All problems of the file.
    pub fn parse(path: &str, text: &str) -> Result<Self, Problems> {
        let read = |top: &Table<'_>| {
            let suite = top.required_string("suite").map(|text| text.value).unwrap_or_default();
            let globs = |key| top.strings(key).into_iter().filter(|glob| check_glob(top, glob)).map(|glob| glob.value).collect();
            let (drop, keep) = (globs("drop"), globs("keep"));
            let layers = top.required_table("layer").map(|table| read_layers(&table)).unwrap_or_default();
            Self { suite, drop, keep, layers }
        };
        Document::new(path, text).read(read).map_err(Problems::new)
    }

    /// The requested layers and all layers below them, in stacking order. Unknown names stay in the list: the code that needs the layer
    /// reports them.
    pub fn closure(&self, wanted: &[LayerName]) -> Vec<LayerName> {
        let mut closed = Vec::new();
        for name in wanted {
            self.close(name, &mut closed);
        }
        closed
    }

    fn close(&self, name: &LayerName, closed: &mut Vec<LayerName>) {
        if closed.contains(name) {
            return;
        }
        for below in self.layers.get(name).iter().flat_map(|layer| &layer.needs) {
            self.close(below, closed);
        }
        closed.push(name.clone());
    }

    /// Checks that the description has these layers.
    ///
    /// # Errors
    /// [`SdkError::UnknownLayer`] for the first that it does not have.
    pub fn check_names(&self, layers: &[LayerName]) -> Result<(), SdkError> {
        let Some(name) = layers.iter().find(|name| !self.layers.contains_key(name)) else { return Ok(()) };
        let known: Vec<&str> = self.layers.keys().map(LayerName::as_str).collect();
        Err(SdkError::UnknownLayer { name: name.clone(), known: known.join(", ") })
    }

    /// `layers` and all layers that stand on one of them, by name.
    pub fn with_those_above(&self, layers: &[LayerName]) -> Vec<LayerName> {
        let stands_on = |name: &LayerName| self.closure(std::slice::from_ref(name)).iter().any(|below| layers.contains(below));
        self.layers.keys().filter(|name| stands_on(name)).cloned().collect()
    }

    /// The digest of everything that determines a layer's packages and tree; a lock is valid while it equals the one that it was resolved for.
    pub fn request(&self, name: &LayerName) -> Option<Digest> {
        // All fields are named here, so that a new one cannot be forgotten.
        let Self { suite, drop, keep, layers } = self;
        let Layer { summary: _, suite: own, needs, packages, alone, exclude, links } = layers.get(name)?;
        Some(Digest::of_json(&(own.as_ref().unwrap_or(suite), drop, keep, self.closure(needs), packages, alone, exclude, links)))
    }
}

fn read_layers(table: &Table<'_>) -> BTreeMap<LayerName, Layer> {
    let mut layers: BTreeMap<LayerName, Layer> = BTreeMap::new();
    for entry in table.entries() {
        let Some(name) = table.parse::<LayerName>(entry.key.clone()) else { continue };
        let Some(body) = entry.table() else { continue };
        // A layer can need only layers above it in the file, so there are no cycles.
        let needs = body.parsed_list::<LayerName>("needs");
        for below in needs.iter().filter(|below| !layers.contains_key(&below.value)) {
            let message = format!("layer `{}` is based on `{}`, which is not defined above it", name.value, below.value);
            let hint = did_you_mean(below.value.as_str(), layers.keys().map(LayerName::as_str));
            body.problem_with_hint(below.span.clone(), message, hint.unwrap_or_else(|| "define the lower layer first".into()));
        }
        let layer = Layer {
            summary: body.required_string("summary").map(|text| text.value).unwrap_or_default(),
            suite: body.string("suite").map(|text| text.value),
            needs: needs.into_iter().map(|name| name.value).collect(),
            packages: package_names(&body, "packages"),
            alone: package_names(&body, "alone"),
            exclude: package_names(&body, "exclude"),
            links: body.table("links").map(|links| read_links(&links)).unwrap_or_default(),
        };
        body.finish();
        layers.insert(name.value, layer);
    }
    layers
}

/// Debian package names (Policy 5.6.1), sorted, so that their order in the file does not matter.
fn package_names(body: &Table<'_>, key: &str) -> Vec<String> {
    let mut names = BTreeSet::new();
    for name in body.strings(key) {
        let is_name = name.value.len() >= 2
            && name.value.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte))
            && name.value.as_bytes()[0].is_ascii_alphanumeric();
        if !is_name {
            body.problem(name.span, format!("`{}` is not the name of a Debian package", name.value));
        } else if !names.insert(name.value.clone()) {
            body.problem(name.span, format!("`{}` is listed twice", name.value));
        }
    }
    names.into_iter().collect()
}

fn read_links(table: &Table<'_>) -> BTreeMap<String, String> {
    let mut links = BTreeMap::new();
    for entry in table.entries() {
        let Some(target) = entry.string() else { continue };
        if !entry.key.value.starts_with("/usr/") || entry.key.value.contains("/../") {
            table.problem(entry.key.span, "a link must be below `/usr`");
        } else if target.value.is_empty() || target.value.starts_with('/') {
            table.problem(target.span, "a link's target must be relative to the link's folder");
        } else {
            links.insert(entry.key.value, target.value);
        }
    }
    links
}

fn check_glob(top: &Table<'_>, glob: &Spanned<String>) -> bool {
    if !glob.value.starts_with('/') {
        top.problem(glob.span.clone(), "a glob of files must begin with `/`");
        return false;
    }
    match Glob::new(&glob.value) {
        Ok(_) => true,
        Err(error) => {
            top.problem(glob.span.clone(), error.to_string());
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
suite = "trixie"
drop = ["/usr/share/doc/**"]
[layer.base]
summary = "Base"
packages = ["gcc", "make"]
links = { "/usr/bin/cc" = "gcc" }
[layer.go]
summary = "Go"
needs = ["base"]
packages = ["golang-go"]
[layer.more]
summary = "More"
needs = ["go"]
packages = []
"#;

    fn names(names: &[&str]) -> Vec<LayerName> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn layers_come_after_those_they_stand_on() {
        let sdk = Description::parse("sdk.toml", TEXT).unwrap();
        assert_eq!(sdk.closure(&names(&["more", "base"])), names(&["base", "go", "more"]));
        assert_eq!(sdk.closure(&names(&["none"])), names(&["none"]));
    }

    #[test]
    fn the_request_follows_what_matters_only() {
        let sdk = Description::parse("sdk.toml", TEXT).unwrap();
        let base = &names(&["base"])[0];
        let same = TEXT.replace(r#"["gcc", "make"]"#, r#"["make", "gcc"] # order"#).replace("Base", "Other words");
        assert_eq!(Description::parse("sdk.toml", &same).unwrap().request(base), sdk.request(base));
        let other = TEXT.replace(r#""/usr/bin/cc" = "gcc""#, "");
        assert_ne!(Description::parse("sdk.toml", &other).unwrap().request(base), sdk.request(base));
    }

    #[test]
    fn problems_are_found() {
        for (from, to, message) in [
            ("needs = [\"base\"]", "needs = [\"bas\"]", "layer `go` is based on `bas`, which is not defined above it"),
            ("\"gcc\", \"make\"", "\"Gcc\"", "`Gcc` is not the name of a Debian package"),
            ("\"gcc\", \"make\"", "\"gcc\", \"gcc\"", "`gcc` is listed twice"),
            ("\"/usr/bin/cc\"", "\"/bin/cc\"", "a link must be below `/usr`"),
            ("\"/usr/share/doc/**\"", "\"doc\"", "a glob of files must begin with `/`"),
        ] {
            let problems = Description::parse("sdk.toml", &TEXT.replace(from, to)).unwrap_err();
            assert!(problems.iter().any(|problem| problem.message == message), "{message}: {problems}");
        }
    }
}

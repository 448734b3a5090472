//! A small signed repository of packages in a table.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use rpm::signature::Signing as _;
use rpm::{BuildConfig, CompressionWithLevel, Dependency, PackageBuilder};
use rpm_engine::dependency::{Capability, Comparison};
use rpm_engine::package::{Details, Nevra, Package};
use rpm_engine::repo::{Offer, digest_of};
use rpm_engine::rpmfile::{RpmFile, details};
use rpm_engine::version::Evr;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{TIME, signer};

/// A package of the table; its key is `name-version-release`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recipe {
    pub summary: String,
    pub arch: Option<String>,
    pub requires: Vec<String>,
    pub provides: Vec<String>,
    pub conflicts: Vec<String>,
    pub obsoletes: Vec<String>,
    pub recommends: Vec<String>,
    pub suggests: Vec<String>,
    pub files: Vec<String>,
}

/// Packages by `[epoch:]name-version-release`.
pub type World = BTreeMap<String, Recipe>;

/// Builds and signs all packages into `folder` and returns their metadata.
pub fn build(folder: &Path, world: &World) -> Vec<Offer> {
    fs::create_dir_all(folder.join("Packages")).unwrap();
    world.iter().map(|(id, recipe)| build_one(folder, id, recipe)).collect()
}

/// The metadata of a package that was never built.
pub fn made_up(id: &str, recipe: &Recipe) -> Offer {
    let (rest, release) = id.rsplit_once('-').unwrap();
    let (name, version) = rest.rsplit_once('-').unwrap();
    let evr = Evr::new(0, version, Some(release));
    let arch = recipe.arch.as_deref().unwrap_or("noarch");
    let capabilities = |texts: &[String]| texts.iter().map(|text| Capability::parse(text).unwrap()).collect::<Vec<_>>();
    let dependencies = |texts: &[String]| -> Vec<rpm_engine::dependency::Dependency> {
        let one = |text: &String| match text.starts_with('(') {
            true => rpm_engine::dependency::Dependency::new(text, None).unwrap(),
            false => rpm_engine::dependency::Dependency::Simple(Capability::parse(text).unwrap()),
        };
        texts.iter().map(one).collect()
    };
    let own = Capability::ranged(name, Comparison::Equal, evr.clone());
    let package = Package {
        nevra: Nevra { name: name.into(), evr, arch: arch.into() },
        provides: [vec![own], capabilities(&recipe.provides)].concat(),
        requires: dependencies(&recipe.requires),
        conflicts: dependencies(&recipe.conflicts),
        obsoletes: capabilities(&recipe.obsoletes),
        recommends: dependencies(&recipe.recommends),
        supplements: Vec::new(),
        paths: recipe.files.clone(),
        installed_size_bytes: 1,
        package_size_bytes: 1,
    };
    let (location, checksum) = (format!("Packages/{id}.{arch}.rpm"), hex::encode(Sha256::digest(format!("{id}.{arch}"))));
    Offer { package, details: Details { summary: "A package".into(), ..Details::default() }, location, checksum }
}

fn build_one(folder: &Path, id: &str, recipe: &Recipe) -> Offer {
    let (epoch, rest) = id.split_once(':').map_or((0, id), |(epoch, rest)| (epoch.parse().unwrap(), rest));
    let (rest, release) = rest.rsplit_once('-').unwrap();
    let (name, version) = rest.rsplit_once('-').unwrap();
    let arch = recipe.arch.as_deref().unwrap_or("noarch");
    let summary = if recipe.summary.is_empty() { "A package" } else { &recipe.summary };
    let mut builder = PackageBuilder::new(name, version, "MIT", arch, summary);
    builder.using_config(BuildConfig::v4().compression(CompressionWithLevel::Zstd(1)).source_date(TIME)).release(release).epoch(epoch);
    builder.url("https://example.invalid/").description(format!("{summary}, at length."));
    for text in &recipe.requires {
        builder.requires(dependency(text));
    }
    for text in &recipe.provides {
        builder.provides(dependency(text));
    }
    for text in &recipe.conflicts {
        builder.conflicts(dependency(text));
    }
    for text in &recipe.obsoletes {
        builder.obsoletes(dependency(text));
    }
    for text in &recipe.recommends {
        builder.recommends(dependency(text));
    }
    for text in &recipe.suggests {
        builder.suggests(dependency(text));
    }
    for path in &recipe.files {
        super::text(&mut builder, path, &format!("{path} of {id}\n"));
    }
    let location = format!("Packages/{name}-{version}-{release}.{arch}.rpm");
    let path = folder.join(&location);
    builder.build_and_sign(signer()).unwrap().write_file(&path).unwrap();
    let file = RpmFile::open(&path).unwrap();
    Offer { details: details(&file.metadata().unwrap()), checksum: digest_of(&path).unwrap(), package: file.package, location }
}

fn dependency(text: &str) -> Dependency {
    if text.starts_with('(') {
        return Dependency::any(text);
    }
    let capability = Capability::parse(text).unwrap();
    let name = capability.name;
    match capability.range {
        None => Dependency::any(name),
        Some((Comparison::Less, evr)) => Dependency::less(name, evr.to_string()),
        Some((Comparison::AtMost, evr)) => Dependency::less_eq(name, evr.to_string()),
        Some((Comparison::Equal, evr)) => Dependency::eq(name, evr.to_string()),
        Some((Comparison::AtLeast, evr)) => Dependency::greater_eq(name, evr.to_string()),
        Some((Comparison::Greater, evr)) => Dependency::greater(name, evr.to_string()),
    }
}

/// Writes the metadata of `offers`, with `updateinfo` if it is not empty, signed.
pub fn write_metadata(folder: &Path, offers: &[Offer], updateinfo: &str, revision: u64) {
    write_expiring(folder, offers, updateinfo, revision, None);
}

/// The same, with an expiry time.
pub fn write_expiring(folder: &Path, offers: &[Offer], updateinfo: &str, revision: u64, expires: Option<u64>) {
    let data = folder.join("repodata");
    let _ = fs::remove_dir_all(&data);
    fs::create_dir_all(&data).unwrap();
    let mut documents = vec![("primary", primary(offers)), ("filelists", filelists(offers)), ("other", other(offers))];
    if !updateinfo.is_empty() {
        documents.push(("updateinfo", updateinfo.to_owned()));
    }
    let mut index = format!("<repomd><revision>{revision}</revision>");
    if let Some(expires) = expires {
        write!(index, "<expires>{expires}</expires>").unwrap();
    }
    for (kind, text) in documents {
        let packed = zstd::encode_all(text.as_bytes(), 1).unwrap();
        let (sha, open) = (hex::encode(Sha256::digest(&packed)), hex::encode(Sha256::digest(&text)));
        write!(
            index,
            "<data type=\"{kind}\"><checksum type=\"sha256\">{sha}</checksum><open-checksum type=\"sha256\">{open}</open-checksum>\
             <location href=\"repodata/{sha}-{kind}.xml.zst\"/><timestamp>{revision}</timestamp><size>{}</size><open-size>{}</open-size></data>",
            packed.len(),
            text.len()
        )
        .unwrap();
        fs::write(data.join(format!("{sha}-{kind}.xml.zst")), packed).unwrap();
    }
    index.push_str("</repomd>");
    fs::write(data.join("repomd.xml"), &index).unwrap();
    let signature = signer().sign(index.as_bytes(), rpm::Timestamp::now()).unwrap();
    let body = base64::engine::general_purpose::STANDARD.encode(signature);
    fs::write(data.join("repomd.xml.asc"), format!("-----BEGIN PGP SIGNATURE-----\n\n{body}\n-----END PGP SIGNATURE-----\n")).unwrap();
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn entry(text: &str) -> String {
    let Some(capability) = (!text.starts_with('(')).then(|| Capability::parse(text)).flatten() else {
        return format!("<rpm:entry name=\"{}\"/>", escape(text));
    };
    let name = escape(&capability.name);
    let Some((comparison, evr)) = capability.range else { return format!("<rpm:entry name=\"{name}\"/>") };
    let flags = match comparison {
        Comparison::Less => "LT",
        Comparison::AtMost => "LE",
        Comparison::Equal => "EQ",
        Comparison::AtLeast => "GE",
        Comparison::Greater => "GT",
    };
    let release = evr.release.map(|release| format!(" rel=\"{release}\"")).unwrap_or_default();
    format!("<rpm:entry name=\"{name}\" flags=\"{flags}\" epoch=\"{}\" ver=\"{}\"{release}/>", evr.epoch, evr.version)
}

fn primary(offers: &[Offer]) -> String {
    let mut xml = format!(
        "<metadata xmlns=\"http://linux.duke.edu/metadata/common\" xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\" packages=\"{}\">",
        offers.len()
    );
    for Offer { package, details, location, checksum } in offers {
        let evr = &package.nevra.evr;
        write!(
            xml,
            "<package type=\"rpm\"><name>{}</name><arch>{}</arch><version epoch=\"{}\" ver=\"{}\" rel=\"{}\"/>\
             <checksum type=\"sha256\" pkgid=\"YES\">{checksum}</checksum><summary>{}</summary><description>{}</description><url>{}</url>\
             <time file=\"0\" build=\"{}\"/><size package=\"{}\" installed=\"{}\" archive=\"0\"/><location href=\"{location}\"/>\
             <format><rpm:license>MIT</rpm:license><rpm:sourcerpm>{}</rpm:sourcerpm>",
            package.nevra.name,
            package.nevra.arch,
            evr.epoch,
            evr.version,
            evr.release.as_deref().unwrap_or_default(),
            escape(&details.summary),
            escape(&details.description),
            details.url,
            details.build_time,
            package.package_size_bytes,
            package.installed_size_bytes,
            details.source
        )
        .unwrap();
        let texts = |all: &[rpm_engine::dependency::Dependency]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
        let relations = [
            ("provides", package.provides.iter().map(ToString::to_string).collect()),
            ("requires", texts(&package.requires)),
            ("conflicts", texts(&package.conflicts)),
            ("obsoletes", package.obsoletes.iter().map(ToString::to_string).collect()),
            ("recommends", texts(&package.recommends)),
            ("suggests", texts(&details.suggests)),
        ];
        for (relation, all) in relations {
            let entries: String = all.iter().map(|text| entry(text)).collect();
            write!(xml, "<rpm:{relation}>{entries}</rpm:{relation}>").unwrap();
        }
        for path in package.paths.iter().filter(|path| path.starts_with("/etc/") || path.contains("bin/")) {
            write!(xml, "<file>{path}</file>").unwrap();
        }
        xml.push_str("</format></package>");
    }
    xml + "</metadata>"
}

fn filelists(offers: &[Offer]) -> String {
    let mut xml = "<filelists>".to_owned();
    for offer in offers {
        let paths: String = offer.package.paths.iter().map(|path| format!("<file>{path}</file>")).collect();
        write!(xml, "<package pkgid=\"{}\" name=\"{}\">{paths}</package>", offer.checksum, offer.package.nevra.name).unwrap();
    }
    xml + "</filelists>"
}

fn other(offers: &[Offer]) -> String {
    let mut xml = "<otherdata>".to_owned();
    for offer in offers {
        let log = "<changelog author=\"A &lt;a@b.invalid&gt; - 1\" date=\"1767225600\">- first</changelog>";
        write!(xml, "<package pkgid=\"{}\" name=\"{}\">{log}</package>", offer.checksum, offer.package.nevra.name).unwrap();
    }
    xml + "</otherdata>"
}

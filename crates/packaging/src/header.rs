//! One binary package as an RPM file.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use rpm::{
    BuildConfig, CompressionWithLevel, FileOptions, FileOptionsBuilder, Header, HeaderEntry, IndexData, IndexTag, PackageBuilder,
    RpmFormat, SignatureHeaderBuilder, Timestamp,
};

use super::Built;
use super::attributes::Rules;
use super::depend::Found;
use super::error::PackageError;
use super::licences::is_licence_text;
use super::split::Part;
use super::tree::{Content, Entry, Kind};
use base::epoch::SOURCE_DATE_EPOCH;
use base::name::{Comparison, Dependency};
use planning::spec::{Arch, ConfigFile, Spec};

/// The vendor of packages.
const VENDOR: &str = "Kaon";

/// The recorded build host.
const BUILD_HOST: &str = "kaon";

/// zstd level of the payload. On 720 MB of libraries, level 3 took 5 s for 252 MB, 6 took 18 s for 237 MB, 12 took 70 s for 228 MB.
const PAYLOAD_LEVEL: i32 = 6;

/// Writes the package `part` of `spec` to the directory `into`.
///
/// # Errors
/// When a file cannot be read or written, or the format refuses something.
pub fn write(spec: &Spec, part: &Part<'_>, found: &Found, rules: &Rules, into: &Path) -> Result<Built, PackageError> {
    let name = &part.content.name;
    let fail = |source: rpm::Error| PackageError::Rpm { package: name.clone(), source: Box::new(source) };
    let mut builder = describe(spec, part);
    depend(&mut builder, spec, part, found);
    for (path, entry) in &part.entries {
        add(&mut builder, path, entry, rules, fail)?;
    }
    let mut package = builder.build().map_err(fail)?;
    finish(spec, &mut package).map_err(fail)?;

    let file_name = format!("{name}-{}-{}.{}.rpm", spec.version, spec.rpm_release(), spec.arch);
    let file = into.join(&file_name);
    let create = File::create(&file).map_err(|source| PackageError::io("write", &file, source))?;
    let mut out = BufWriter::new(create);
    package.write(&mut out).map_err(fail)?;
    out.flush().map_err(|source| PackageError::io("write", &file, source))?;

    let texts = |dependencies: Vec<rpm::Dependency>| dependencies.iter().filter(|one| !one.name.starts_with("rpmlib(")).map(text).collect();
    Ok(Built {
        name: name.clone(),
        file,
        file_name,
        provides: texts(package.metadata.get_provides().map_err(fail)?),
        requires: texts(package.metadata.get_requires().map_err(fail)?),
        files: part.entries.len() as u64,
        installed_bytes: package.metadata.get_installed_size().map_err(fail)?,
    })
}

fn describe(spec: &Spec, part: &Part<'_>) -> PackageBuilder {
    let content = part.content;
    let arch = spec.arch.to_string();
    let mut builder = PackageBuilder::new(content.name.as_str(), &spec.version, &spec.license, &arch, &content.summary);
    let config = BuildConfig::v4()
        .compression(CompressionWithLevel::Zstd(PAYLOAD_LEVEL))
        .source_date(Timestamp(SOURCE_DATE_EPOCH))
        .reserved_space(None);
    builder
        .using_config(config)
        .release(spec.rpm_release())
        .description(content.description.as_str())
        .vendor(VENDOR)
        .build_host(BUILD_HOST);
    if spec.epoch != 0 {
        builder.epoch(spec.epoch);
    }
    if let Some(homepage) = &spec.homepage {
        builder.url(homepage.as_str());
    }
    builder
}

fn depend(builder: &mut PackageBuilder, spec: &Spec, part: &Part<'_>, found: &Found) {
    let content = part.content;
    let mut requires = found.requires.clone();
    requires.extend(content.requires.iter().cloned());
    if part.is_devel {
        requires.insert(Dependency::equal(spec.main.name.as_str(), spec.evr()));
    }
    for dependency in &requires {
        builder.requires(converted(dependency));
    }
    let mut provides = found.provides.clone();
    provides.extend(content.provides.iter().cloned());
    for dependency in &provides {
        builder.provides(converted(dependency));
    }
    for dependency in &content.recommends {
        builder.recommends(converted(dependency));
    }
    for dependency in &content.conflicts {
        builder.conflicts(converted(dependency));
    }
    for dependency in &content.obsoletes {
        builder.obsoletes(converted(dependency));
    }
}

fn converted(dependency: &Dependency) -> rpm::Dependency {
    let name = dependency.capability.as_str();
    match &dependency.constraint {
        None => rpm::Dependency::any(name),
        Some((Comparison::Less, version)) => rpm::Dependency::less(name, version),
        Some((Comparison::LessOrEqual, version)) => rpm::Dependency::less_eq(name, version),
        Some((Comparison::Equal, version)) => rpm::Dependency::eq(name, version),
        Some((Comparison::GreaterOrEqual, version)) => rpm::Dependency::greater_eq(name, version),
        Some((Comparison::Greater, version)) => rpm::Dependency::greater(name, version),
    }
}

/// `name >= version`, as RPM's own tools print it.
fn text(dependency: &rpm::Dependency) -> String {
    use rpm::DependencyFlags as Flags;
    let symbol: String = [(Flags::LESS, '<'), (Flags::GREATER, '>'), (Flags::EQUAL, '=')]
        .into_iter()
        .filter(|(flag, _)| dependency.flags.contains(*flag))
        .map(|(_, symbol)| symbol)
        .collect();
    if symbol.is_empty() { dependency.name.clone() } else { format!("{} {symbol} {}", dependency.name, dependency.version) }
}

fn add(
    builder: &mut PackageBuilder,
    path: &str,
    entry: &Entry,
    rules: &Rules,
    fail: impl Fn(rpm::Error) -> PackageError,
) -> Result<(), PackageError> {
    let attributes = rules.of(path, entry);
    let options = match &entry.kind {
        Kind::File(_) => FileOptions::new(path),
        Kind::Directory => FileOptions::dir(path),
        Kind::Link(target) => FileOptions::symlink(path, target),
        Kind::Ghost => FileOptions::ghost(path),
        // `Tree::check` refused these.
        Kind::Unpackageable(_) => return Ok(()),
    };
    let mut options: FileOptionsBuilder = options
        .modified_at(Timestamp(SOURCE_DATE_EPOCH))
        .user(attributes.owner.as_deref().unwrap_or("root"))
        .group(attributes.group.as_deref().unwrap_or("root"));
    if !matches!(entry.kind, Kind::Link(_)) {
        // `mode` has twelve bits, as the spec's parser and the tree's walk ensure.
        options = options.permissions((entry.mode & 0o7777) as u16);
    }
    // Empty capabilities mean none: the spec removes those that the build set.
    if let Some(caps) = attributes.caps.as_ref().filter(|caps| !caps.is_empty()) {
        options = options.caps(caps).map_err(&fail)?;
    }
    options = match attributes.config {
        None => options,
        Some(ConfigFile::Replace) => options.config(),
        Some(ConfigFile::Noreplace) => options.config().noreplace(),
    };
    if is_licence_text(path) && matches!(entry.kind, Kind::File(_) | Kind::Link(_)) {
        options = options.license();
    }
    let added = match &entry.kind {
        Kind::File(Content::Installed(file)) => {
            // The library opens the path itself. This is the last check, and no process of the build is alive any more.
            let opened = file.open().map_err(|source| PackageError::io("read", &file.path(), source))?;
            settle_time(&opened).map_err(|source| PackageError::io("set the time of", &file.path(), source))?;
            builder.with_file(file.path(), options)
        }
        Kind::File(Content::Memory(bytes)) => builder.with_file_contents(bytes.clone(), options),
        Kind::Directory => builder.with_dir_entry(options),
        Kind::Link(_) => builder.with_symlink(options),
        Kind::Ghost | Kind::Unpackageable(_) => builder.with_ghost(options),
    };
    added.map(drop).map_err(fail)
}

/// Sets the modification time of a file to that of all outputs if a package cannot represent it (before 1970, or after 2106). The library
/// converts a file's own time even if it then uses another, and fails without naming the file.
fn settle_time(file: &File) -> io::Result<()> {
    let since = file.metadata()?.modified()?.duration_since(UNIX_EPOCH);
    if since.is_ok_and(|since| u32::try_from(since.as_secs()).is_ok()) {
        return Ok(());
    }
    file.set_modified(UNIX_EPOCH + Duration::from_secs(SOURCE_DATE_EPOCH.into()))
}

/// Sets what the library's builder cannot: the name of the source package (by which `dnf` and `rpm` recognise a binary package), and a
/// build time that does not depend on the host's clock. Then recalculates the digests of the header.
fn finish(spec: &Spec, package: &mut rpm::Package) -> Result<(), rpm::Error> {
    let machine = match spec.arch {
        Arch::X86_64 => "x86_64",
        Arch::Noarch => "noarch",
    };
    let source = format!("{}-{}-{}.src.rpm", spec.name, spec.version, spec.rpm_release());
    let ours = [
        (IndexTag::RPMTAG_SOURCERPM, IndexData::StringTag(source)),
        (IndexTag::RPMTAG_BUILDTIME, IndexData::Int32(vec![SOURCE_DATE_EPOCH])),
        (IndexTag::RPMTAG_DISTRIBUTION, IndexData::StringTag(VENDOR.into())),
        (IndexTag::RPMTAG_PLATFORM, IndexData::StringTag(format!("{machine}-kaon-linux"))),
    ]
    .map(|(tag, data)| HeaderEntry::new(tag as u32, data));
    let is_kept = |tag: u32| tag != IndexTag::RPMTAG_HEADERIMMUTABLE as u32 && ours.iter().all(|one| one.tag != tag);
    let entries = package.metadata.header.get_all_entries()?;
    let kept = entries.into_iter().filter(|(tag, _)| is_kept(*tag)).map(|(tag, data)| HeaderEntry::new(tag, data));
    let entries: Vec<HeaderEntry> = kept.chain(ours.clone()).collect();
    package.metadata.header = Header::from_entries(entries, IndexTag::RPMTAG_HEADERIMMUTABLE);
    let bytes = package.metadata.header_bytes()?;
    package.metadata.signature = SignatureHeaderBuilder::new()
        .format(RpmFormat::V4)
        .reserved_space(None)
        .set_content_length(bytes.len() as u64 + package.payload.len() as u64)
        .calculate_digests(&bytes)
        .build()?;
    Ok(())
}

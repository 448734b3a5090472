//! Caches that speak gRPC: buildbox-casd, and servers that are none.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{Manner, Published, serve};
use crate::resilience::buildbox::{Casd, compile_remote};
use crate::resilience::project::{files, flip_a_byte, text};

impl Published {
    fn push_to(&self, address: &str) -> String {
        let arguments = ["cache", "push", "--to", address, "--name", "first", "--with", "sources"];
        let output = self.project.run(&self.project.path("first"), &arguments);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    }
}

#[test]
#[ignore = "needs buildbox and the SDK"]
fn a_grpc_server_is_as_good_as_a_folder() {
    let published = Published::new();
    let casd = Casd::new(published.project.path("casd"));
    let pushed = published.push_to(&casd.address);
    assert!(pushed.contains("3 results added, 0 were there; 4 files"), "{pushed}");
    let before = files(&casd.blobs());
    let again = published.push_to(&casd.address);
    assert!(again.contains("0 results added, 3 were there; 0 files"), "{again}");
    assert_eq!(files(&casd.blobs()), before, "a second push sends nothing");
    let user = published.user("second");
    let trusted = user.run(&["cache", "trust", &casd.address]);
    assert!(text(&trusted.stdout).starts_with("first: key "), "{}{}", text(&trusted.stdout), text(&trusted.stderr));
    let checked = user.run(&["--cache", &casd.address, "cache", "check"]);
    let shown = text(&checked.stdout);
    assert!(checked.status.success() && shown.contains("3 of 3 results") && shown.contains("signed by first"), "{shown}");
    assert_eq!(user.builds_with(&casd.address), (vec![], vec![]));
}

#[test]
#[ignore = "needs buildbox and the SDK"]
fn packages_larger_than_a_message_are_streamed() {
    let published = Published::with("RANDOM=1; for ((i = 0; i < 500000; i++)); do echo $RANDOM$RANDOM; done >$DESTDIR/usr/share/app/noise");
    assert!(fs::metadata(published.package("app")).unwrap().len() > 1 << 20, "the package is too small for this test");
    let casd = Casd::new(published.project.path("casd"));
    published.push_to(&casd.address);
    assert_eq!(published.user("second").trusts().builds_with(&casd.address), (vec![], vec![]));
    flip_a_byte(&casd.blob(&published.digests["app"]));
    let (built, warnings) = published.user("third").trusts().builds_with(&casd.address);
    assert_eq!((built, warnings.len()), (vec!["app".to_owned()], 1), "{warnings:?}");
}

#[test]
#[ignore = "needs buildbox and the SDK"]
fn sources_come_from_a_grpc_server_by_their_digest_alone() {
    let published = Published::new();
    let casd = Casd::new(published.project.path("casd"));
    published.push_to(&casd.address);
    fs::remove_dir_all(published.project.path("mirror")).unwrap();
    let (built, warnings) = published.user("second").builds_with(&casd.address);
    assert_eq!((built.len(), warnings.len()), (3, 1), "only the missing trust is worth a warning: {warnings:?}");
}

#[test]
#[ignore = "needs buildbox and the SDK"]
fn what_a_grpc_server_lost_or_changed_is_built() {
    let published = Published::new();
    let lib = published.digests["lib"].clone();
    for (what, change) in [
        ("lost", (|path| fs::remove_file(path).unwrap()) as fn(&Path)),
        ("changed", |path| flip_a_byte(path)),
        ("shortened", |path| fs::write(path, "short").unwrap()),
    ] {
        let casd = Casd::new(published.project.path(&format!("casd-{what}")));
        published.push_to(&casd.address);
        let user = published.user(what).trusts();
        let path = casd.blob(&lib);
        change(&path);
        let (built, warnings) = user.builds_with(&casd.address);
        assert_eq!(built, ["lib"], "{what}: {warnings:?}");
        assert!(warnings.len() <= 1, "{what}: {warnings:?}");
    }
}

#[test]
#[ignore = "needs the SDK"]
fn a_bad_grpc_server_stops_nothing() {
    compile_remote();
    let published = Published::new();
    let host = || TcpListener::bind("127.0.0.1:0").unwrap();
    let (closed, silent) = (host().local_addr().unwrap(), host());
    for (what, address) in [
        ("dead", format!("grpc://{closed}")),
        ("silent", format!("grpc://{}", silent.local_addr().unwrap())),
        ("http", serve(&published.cache(), Manner::Serves).replace("http://", "grpc://")),
        ("plain", format!("grpcs://{closed}/main")),
    ] {
        let begun = Instant::now();
        let (built, warnings) = published.user(what).trusts().builds_with(&address);
        assert_eq!(built, ["app", "lib", "more"], "{what}");
        assert!(matches!(&warnings[..], [one] if one.contains("is not used: ")), "{what}: {warnings:?}");
        assert!(begun.elapsed() < Duration::from_secs(120), "{what} took {:?}", begun.elapsed());
    }
    let output = published.project.run(&published.project.path("first"), &["cache", "push", "--to", "grpc://a.test"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("it must name a host and a port") && said.contains("grpcs://host:port/main"), "{said}");
}

//! The same input, elsewhere and at another time: the same bytes.

use std::fs;
use std::thread;
use std::time::Duration;

use super::project::{Project, files, text};

#[test]
fn builds_elsewhere_later_and_otherwise_give_equal_bytes() {
    let (here, there) = (Project::new(), Project::new());
    let first = here.command(&here.store("store"), &["--jobs", "1", "repo", "--output", "repo"]).env("TZ", "UTC").output().unwrap();
    assert!(first.status.success(), "{}", text(&first.stderr));
    // Signing keys are the builder's own: the same ones sign both.
    fs::rename(here.path("keys"), there.path("keys")).unwrap();
    // Times of files and packages go by seconds.
    thread::sleep(Duration::from_millis(1100));
    let store = there.store("a-store-with-a-much-longer-name");
    let mut second = there.command(&store, &["--jobs", "3", "repo", "--output", "repo"]);
    let second = second.env("TZ", "Asia/Tokyo").env("LC_ALL", "de_DE.UTF-8").env("SOURCE_DATE_EPOCH", "1").output().unwrap();
    assert!(second.status.success(), "{}", text(&second.stderr));
    let (first, second) = (files(&here.path("repo")), files(&there.path("repo")));
    assert!(first.len() >= 8, "{:?}", first.keys());
    assert_eq!(first.keys().collect::<Vec<_>>(), second.keys().collect::<Vec<_>>());
    for (path, content) in &first {
        assert!(second[path] == *content, "{} differs", path.display());
    }
}

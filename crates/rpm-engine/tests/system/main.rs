//! Transactions on a system that is there: what they change, what they keep, what they refuse, and what a power cut leaves.

mod files;
mod interruption;
mod scripts;
mod world;

use rpm_engine::transaction::{ApplyError, Step};

use testing::packages::text;
use world::{World, install, settings};

#[test]
fn locks_space_and_own_databases() {
    let world = World::new();
    let locked = world.system().lock().unwrap();
    let error = world.system().lock().unwrap_err();
    assert!(error.to_string().contains(&format!("(process {})", std::process::id())), "{error}");
    drop(locked);
    for path in ["/usr/lib/sysimage/rpm/rpmdb.sqlite", "/usr/lib/sysimage/tdnf/journal"] {
        let error = world.install("evil", "1", |builder| text(builder, path, "evil")).unwrap_err();
        assert!(matches!(error, ApplyError::InTheWay { .. }), "{error}");
    }
    let package = world.build("x", "1", |builder| text(builder, "/x", "x"));
    let steps = [install(package)];
    world.system().check(&steps, &settings()).unwrap();
    assert!(!world.path("/x").exists());
    world.apply(&steps).unwrap();
    let error = world.apply(&[Step::Erase { number: 99 }]).unwrap_err();
    assert!(matches!(error, ApplyError::NotInstalled { number: 99 } | ApplyError::Database(_)), "{error}");
    assert_eq!(world.text("/x"), "x");
}

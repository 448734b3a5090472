//! What `fetch` and `repo` include for the packages they are given.

use std::fs;

use serde_json::Value;

use super::project::{Project, text};

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn only_what_the_named_packages_need_is_fetched() {
    let project = Project::new();
    let sdk = project.path("specs/sdk.toml");
    let described = fs::read_to_string(&sdk).unwrap();
    fs::write(sdk, format!("{described}[layer.extra]\nsummary = \"Not locked\"\nneeds = [\"base\"]\npackages = [\"none\"]\n")).unwrap();
    let store = project.store("store");
    let fetch = |arguments: &[&str]| project.run(&store, &[&["--json", "--locked", "fetch"], arguments].concat());
    let last = |arguments: &[&str]| -> Value {
        let output = fetch(arguments);
        serde_json::from_str(text(&output.stdout).lines().last().unwrap()).unwrap()
    };
    assert_eq!(last(&["more"]), serde_json::json!({ "layers": ["base"], "sources": 0 }));
    assert_eq!(last(&["app"]), serde_json::json!({ "layers": ["base"], "sources": 1 }));
    let all = last(&[]);
    assert!(all["message"].as_str().is_some_and(|message| message.contains("extra")), "{all}");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_repository_contains_what_its_packages_need_unless_only_they_are_wanted() {
    let project = Project::new();
    let store = project.store("store");
    let packages = |arguments: &[&str]| {
        let output = project.run(&store, &[&["repo", "--output", "out/packages"], arguments].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        let mut names: Vec<String> = walkdir::WalkDir::new(project.path("out/packages"))
            .into_iter()
            .map(|entry| entry.unwrap().file_name().to_str().unwrap().to_owned())
            .filter_map(|name| Some(name.strip_suffix(".rpm")?.split_once('-')?.0.to_owned()))
            .collect();
        names.sort();
        names
    };
    assert_eq!(packages(&["app"]), ["app", "lib", "more"]);
    assert_eq!(packages(&["app", "--only"]), ["app"]);
    // What a package needs only at run time is not built for it.
    const HEAD: &str = "[package]\nversion = \"1\"\nrelease = 1\nsummary = \"x\"\nlicense = \"MIT\"\n";
    const TOOL: &str = "mkdir -p $DESTDIR/usr/share/tool; echo x >$DESTDIR/usr/share/tool/x";
    for (name, run, finish) in [("tool", "[\"broken\"]", TOOL), ("broken", "[]", "exit 1")] {
        let spec = format!("{HEAD}[requires]\nrun = {run}\n[build.none]\nfinish = '{finish}'\n");
        fs::create_dir(project.path("specs").join(name)).unwrap();
        fs::write(project.path("specs").join(name).join("package.toml"), spec).unwrap();
    }
    assert_eq!(packages(&["tool", "--only"]), ["tool"]);
    let wrong = project.run(&store, &["repo", "--only"]);
    assert_eq!(wrong.status.code(), Some(2), "{}", text(&wrong.stderr));
}

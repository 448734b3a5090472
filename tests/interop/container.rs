//! Container images, judged by skopeo and umoci: both read them, and what they unpack is what was put in.
//!
//! They need the SDK's `test` layer, so they run only when asked for: `cargo test -p xtask --test interop_container -- --ignored`.

mod tools;

use std::fs;
use std::path::Path;

use image::oci::{Layer, Request, write_docker, write_layout};
use serde_json::Value;

use tools::World;

/// A layer with one file.
fn layer(world: &World, title: &str) -> Layer {
    let tar = world.path(&format!("{title}.tar"));
    let mut builder = tar::Builder::new(fs::File::create(&tar).unwrap());
    let mut header = tar::Header::new_ustar();
    let text = format!("{title} ").repeat(1000);
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    builder.append_data(&mut header, format!("usr/{title}"), text.as_bytes()).unwrap();
    builder.finish().unwrap();
    Layer { tar, title: title.into() }
}

fn sample(world: &World, write: impl Fn(&Request<'_>, &Path)) -> String {
    let (layers, command) = ([layer(world, "lower"), layer(world, "upper")], ["/usr/bin/bash".to_owned(), "-l".into()]);
    let out = world.path("image.tar");
    write(&Request { tag: "latest", name: "base", summary: "x", command: &command, layers: &layers }, &out);
    fs::write(world.path("policy.json"), r#"{"default":[{"type":"insecureAcceptAnything"}]}"#).unwrap();
    world.inside(&out)
}

/// Copies `from` with skopeo, which checks every digest, unpacks it with umoci, and looks at what came out.
fn check(world: &World, from: &str) {
    let (policy, copy) = (world.inside(&world.path("policy.json")), world.inside(&world.path("copy")));
    let skopeo = |arguments: &[&str]| world.run("skopeo", &[&["--policy", &policy, "--tmpdir", "/build"], arguments].concat());
    let config: Value = serde_json::from_str(&skopeo(&["inspect", "--config", from])).unwrap();
    assert_eq!(config["config"]["Cmd"], serde_json::json!(["/usr/bin/bash", "-l"]));
    assert_eq!(config["rootfs"]["diff_ids"].as_array().unwrap().len(), 2);
    skopeo(&["copy", from, &format!("oci:{copy}:latest")]);
    let bundle = world.inside(&world.path("bundle"));
    world.run("umoci", &["unpack", "--rootless", "--image", &format!("{copy}:latest"), &bundle]);
    for title in ["lower", "upper"] {
        let text = fs::read_to_string(world.path("bundle/rootfs/usr").join(title)).unwrap();
        assert_eq!(text, format!("{title} ").repeat(1000));
    }
}

#[test]
#[ignore = "needs the SDK"]
fn layouts_are_read() {
    let world = World::new();
    let image = sample(&world, |request, out| write_layout(request, out).unwrap());
    check(&world, &format!("oci-archive:{image}:latest"));
}

#[test]
#[ignore = "needs the SDK"]
fn docker_archives_are_read() {
    let world = World::new();
    let image = sample(&world, |request, out| write_docker(request, out).unwrap());
    check(&world, &format!("docker-archive:{image}:kaon:latest"));
}

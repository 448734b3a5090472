//! What a kickstart file names for the first start of the installed system: container images and scripts. Each is a unit that runs a script once.

use std::fmt::Write as _;

use kickstart::{Docker, DockerImage, DockerMethod, Firstboot, Kickstart};

/// A unit, and the script that it runs.
pub(super) struct Unit {
    /// Its name.
    pub name: &'static str,
    /// Its text.
    pub text: String,
    /// The script: path, permission bits, content.
    pub script: (String, u32, String),
}

/// Where archives of container images are until they are loaded.
const IMAGES: &str = "/var/lib/kaon/images";

/// Where scripts are until the system first starts.
const SCRIPTS: &str = "/var/lib/kaon/scripts";

/// What runs them.
const RUNNER: &str = "kaon-scripts.service";

/// Runs each script once, in order. One that restarts the machine is not run again, and one that fails stops none of the others.
const RUN_SCRIPTS: &str = "cd /var/lib/kaon/scripts || exit
status=0
for script in [0-9]*; do
    [ -e \"$script\" ] || continue
    mv \"$script\" \"running-$script\"
    chmod 700 \"running-$script\"
    \"./running-$script\" || { echo \"script $script of the kickstart file failed\" >&2; status=1; }
    rm -f \"running-$script\"
done
exit $status
";

/// What loads container images once Docker runs.
const LOADER: &str = "kaon-images.service";

/// The units that are needed.
pub(super) fn units(kickstart: &Kickstart) -> Vec<Unit> {
    let (docker, Firstboot { scripts }) = (&kickstart.docker, &kickstart.firstboot);
    let mut units = Vec::new();
    if !docker.images.is_empty() {
        let script = (format!("{IMAGES}/load"), 0o600, image_script(docker));
        units.push(Unit { name: LOADER, text: image_unit(docker), script });
    }
    if !scripts.is_empty() {
        let script = (format!("{SCRIPTS}/run"), 0o700, RUN_SCRIPTS.to_owned());
        units.push(Unit { name: RUNNER, text: runner_unit(), script });
    }
    units
}

/// The files that they take, and where these are copied to.
pub(super) fn copies(kickstart: &Kickstart) -> Vec<(String, String)> {
    let images = kickstart.docker.images.iter().enumerate();
    let images = images.filter_map(|(index, image)| Some((image.filename.clone()?, image_archive(index))));
    let scripts = kickstart.firstboot.scripts.iter().enumerate().map(|(index, name)| (name.clone(), script_place(index)));
    images.chain(scripts).collect()
}

/// Where the archive of an image is copied to.
fn image_archive(index: usize) -> String {
    format!("{IMAGES}/{index}.tar")
}

/// Where a script is copied to; the order of names is that of the list.
fn script_place(index: usize) -> String {
    format!("{SCRIPTS}/{index:03}")
}

fn runner_unit() -> String {
    format!(
        "[Unit]\nDescription=Scripts that the kickstart file names for the first start\nConditionPathExistsGlob={SCRIPTS}/[0-9]*\n\
         Wants=network-online.target\nAfter=network-online.target kaon-firstboot.service\n\n[Service]\nType=oneshot\nRemainAfterExit=yes\n\
         ExecStartPre=-/usr/lib/systemd/systemd-networkd-wait-online --any --operational-state=routable --timeout=60\n\
         ExecStart=/bin/sh {SCRIPTS}/run\n\n[Install]\nWantedBy=multi-user.target\n"
    )
}

/// Loads and pulls all images. What it did is not done again when it is started again.
fn image_script(docker: &Docker) -> String {
    let mut text = "set -e\n".to_owned();
    let Docker { images } = docker;
    // The archive is copied to a path that follows from its place in the list.
    for (index, DockerImage { method, name, filename: _, tags, drop_tag }) in images.iter().enumerate() {
        let done = format!("{IMAGES}/{index}.done");
        let _ = writeln!(text, "if [ ! -e {done} ]; then");
        match method {
            DockerMethod::Load => {
                let _ =
                    writeln!(text, "    said=$(docker load --quiet --input {})\n    name=${{said#Loaded image: }}", image_archive(index));
            }
            DockerMethod::Pull => {
                let name = name.as_deref().unwrap_or_default();
                let _ = writeln!(text, "    name={name}\n    docker pull --quiet \"$name\"");
            }
        }
        for tag in tags {
            let _ = writeln!(text, "    docker tag \"$name\" {tag}");
        }
        if *drop_tag {
            text.push_str("    docker rmi \"$name\"\n");
        }
        let _ = writeln!(text, "    touch {done}\nfi");
    }
    let _ = writeln!(text, "rm -r {IMAGES}");
    text
}

fn image_unit(docker: &Docker) -> String {
    let pulls = docker.images.iter().any(|image| image.method == DockerMethod::Pull);
    let network = if pulls { "Wants=network-online.target\nAfter=network-online.target\n" } else { "" };
    format!(
        "[Unit]\nDescription=Container images that the kickstart file names\nConditionPathExists={IMAGES}/load\n\
         Requires=docker.service\nAfter=docker.service\n{network}\n[Service]\nType=oneshot\nExecStart=/bin/sh {IMAGES}/load\n\
         Restart=on-failure\nRestartSec=30\n\n[Install]\nWantedBy=multi-user.target\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::process::Command;

    #[test]
    fn scripts_run_once_and_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let place = |index: usize| folder.path().join(script_place(index).rsplit_once('/').unwrap().1);
        fs::write(place(0), "echo no interpreter >>said\nexit 3\n").unwrap();
        fs::write(place(1), "#!/bin/sh\nls >>said\n").unwrap();
        let text = RUN_SCRIPTS.replace(SCRIPTS, &folder.path().display().to_string());
        let run = || Command::new("/bin/sh").args(["-c", &text]).output().unwrap();
        let output = run();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "script 000 of the kickstart file failed\n");
        // While it runs, nothing is left that would run again.
        assert_eq!(fs::read_to_string(folder.path().join("said")).unwrap(), "no interpreter\nrunning-001\nsaid\n");
        assert!(run().status.success());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

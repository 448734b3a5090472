//! Where a platform says what a system is to be.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use super::Environment;
use crate::apply::run_program;
use crate::guestinfo;

/// The documents of one platform.
#[derive(Clone, Debug, Default)]
pub struct Bundle {
    /// Which platform, for messages.
    pub origin: String,
    /// A cloud-config file or a script.
    pub user_data: Option<String>,
    /// What the platform says of the system.
    pub meta_data: Option<String>,
    /// The network.
    pub network_config: Option<String>,
    /// Properties of a virtual appliance.
    pub ovf: Option<Environment>,
    /// What could not be read.
    pub complaints: Vec<String>,
}

/// Larger documents are not read, in bytes.
const LONGEST_BYTES: u64 = 1 << 20;

/// Asks the platforms, in this order; the first that says something is the one. With `patience`, disks that are still being looked at are
/// waited for.
pub fn gather(patience: bool) -> Bundle {
    if patience && crate::machine::find_program("udevadm").is_some() {
        // Whatever is not there by then is not waited for.
        let _ = run_program("udevadm", &["settle", "--timeout=10"], None);
    }
    [credentials, no_cloud, fw_cfg, vmware].into_iter().find_map(|ask| ask()).unwrap_or_default()
}

/// A file; nothing where there is none.
fn file(path: &Path) -> Option<String> {
    let mut text = String::new();
    fs::File::open(path).ok()?.take(LONGEST_BYTES).read_to_string(&mut text).ok()?;
    Some(text)
}

fn bundle(origin: &str, read: impl Fn(&str) -> Option<String>) -> Option<Bundle> {
    let [user_data, meta_data, network_config] = ["user-data", "meta-data", "network-config"].map(read);
    let any = [&user_data, &meta_data, &network_config].iter().any(|text| text.is_some());
    any.then(|| Bundle { origin: origin.to_owned(), user_data, meta_data, network_config, ..Bundle::default() })
}

/// A disk whose file system is called `cidata` (cloud-init's NoCloud).
fn no_cloud() -> Option<Bundle> {
    const AT: &str = "/run/kaon/cidata";
    let device =
        ["cidata", "CIDATA"].map(|label| format!("/dev/disk/by-label/{label}")).into_iter().find(|path| Path::new(path).exists())?;
    fs::create_dir_all(AT).ok()?;
    run_program("mount", &["-o", "ro,nodev,nosuid,noexec", &device, AT], None).ok()?;
    let bundle = bundle("NoCloud", |name| file(&Path::new(AT).join(name)));
    let _ = run_program("umount", &[AT], None);
    bundle
}

/// QEMU: `-fw_cfg name=opt/org.kaon/user-data,file=…`.
fn fw_cfg() -> Option<Bundle> {
    const FOLDER: &str = "/sys/firmware/qemu_fw_cfg/by_name/opt/org.kaon";
    // It is a module, and nothing but us wants it.
    let _ = run_program("modprobe", &["-q", "qemu_fw_cfg"], None);
    bundle("fw_cfg", |name| file(&Path::new(FOLDER).join(name).join("raw")))
}

/// VMware: variables of the virtual machine, and the OVF environment.
fn vmware() -> Option<Bundle> {
    if !guestinfo::is_there() {
        return None;
    }
    let mut bundle = Bundle { origin: "guestinfo".into(), ..Bundle::default() };
    let mut document = |name: &str| {
        guestinfo::document(name).unwrap_or_else(|complaint| {
            bundle.complaints.push(complaint);
            None
        })
    };
    let (user_data, meta_data, network_config) = (document("userdata"), document("metadata"), document("network-config"));
    (bundle.user_data, bundle.meta_data, bundle.network_config) = (user_data, meta_data, network_config);
    match guestinfo::variable("ovfEnv").map(|xml| Environment::parse(&xml)) {
        Some(Ok(environment)) => {
            bundle.user_data = bundle.user_data.take().or_else(|| environment.user_data(&mut bundle.complaints));
            bundle.ovf = Some(environment);
        }
        Some(Err(error)) => bundle.complaints.push(error.to_string()),
        None => {}
    }
    Some(bundle)
}

/// systemd credentials: SMBIOS strings `io.systemd.credential:kaon.user-data=…`, and whatever else systemd takes them from.
fn credentials() -> Option<Bundle> {
    const FOLDER: &str = "/run/credentials/@system";
    bundle("credentials", |name| file(&Path::new(FOLDER).join(format!("kaon.{name}"))))
}

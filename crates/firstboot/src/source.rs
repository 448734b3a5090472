//! Where a platform says what a system is to be.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use super::metadata::{Cloud, CloudMetadata};
use super::{Environment, disks};
use system::guestinfo;
use system::program;

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
    /// What a cloud's metadata service says.
    pub cloud: Option<CloudMetadata>,
    /// What could not be read.
    pub complaints: Vec<String>,
}

impl Bundle {
    /// What a cloud's metadata service says.
    pub fn of_cloud(cloud: Cloud, metadata: CloudMetadata) -> Self {
        Self { origin: cloud.to_string(), cloud: Some(metadata), ..Self::default() }
    }

    /// Whether no platform said anything.
    pub fn is_empty(&self) -> bool {
        self.origin.is_empty()
    }
}

/// Larger documents are not read, in bytes.
pub(super) const LONGEST_BYTES: u64 = 1 << 20;

/// Asks the platforms that need no network, in this order; the first that says something is the one. With `patience`, disks that may still
/// appear are waited for, where nobody else said anything.
pub fn gather(patience: bool) -> Bundle {
    let found = [credentials, fw_cfg, vmware].into_iter().find_map(|ask| ask());
    found.or_else(|| no_cloud(patience)).unwrap_or_default()
}

/// A file; nothing if there is none.
fn file(path: &Path) -> Option<String> {
    let mut text = String::new();
    // One byte more shows that it is too long.
    fs::File::open(path).ok()?.take(LONGEST_BYTES + 1).read_to_string(&mut text).ok()?;
    Some(text)
}

fn bundle(origin: &str, read: impl Fn(&str) -> Option<String>) -> Option<Bundle> {
    let [user_data, meta_data, network_config] = ["user-data", "meta-data", "network-config"].map(read);
    let any = [&user_data, &meta_data, &network_config].iter().any(|text| text.is_some());
    any.then(|| Bundle { origin: origin.to_owned(), user_data, meta_data, network_config, ..Bundle::default() })
}

/// A disk whose file system is called `cidata` (cloud-init's NoCloud).
fn no_cloud(patience: bool) -> Option<Bundle> {
    if patience {
        disks::wait();
    }
    disks::with_cidata(|folder| bundle("NoCloud", |name| file(&folder.join(name)))).flatten()
}

/// QEMU: `-fw_cfg name=opt/org.kaon/user-data,file=…`.
fn fw_cfg() -> Option<Bundle> {
    const FOLDER: &str = "/sys/firmware/qemu_fw_cfg/by_name/opt/org.kaon";
    // It is a module, and nothing but us wants it.
    let _ = program::run("modprobe", &["-q", "qemu_fw_cfg"], None);
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
        Some(Ok(environment)) if environment.is_empty() => {}
        Some(Ok(environment)) => {
            bundle.user_data = bundle.user_data.take().or_else(|| environment.user_data(&mut bundle.complaints));
            bundle.ovf = Some(environment);
        }
        Some(Err(error)) => bundle.complaints.push(error.to_string()),
        None => {}
    }
    let says = [&bundle.user_data, &bundle.meta_data, &bundle.network_config].iter().any(|text| text.is_some());
    (says || bundle.ovf.is_some() || !bundle.complaints.is_empty()).then_some(bundle)
}

/// systemd credentials: SMBIOS strings `io.systemd.credential:kaon.user-data=…`, and whatever else systemd takes them from.
fn credentials() -> Option<Bundle> {
    const FOLDER: &str = "/run/credentials/@system";
    bundle("credentials", |name| file(&Path::new(FOLDER).join(format!("kaon.{name}"))))
}

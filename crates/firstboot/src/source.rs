//! Where a platform says what a system is to be.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

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
    /// As user data, of whoever runs the platform; user data takes precedence.
    pub vendor_data: Option<String>,
    /// Properties of a virtual appliance.
    pub ovf: Option<Environment>,
    /// What a cloud's metadata service says.
    pub cloud: Option<CloudMetadata>,
    /// What could not be read.
    pub complaints: Vec<String>,
    /// Names of documents that are files, for messages.
    pub(super) names: BTreeMap<&'static str, String>,
}

impl Bundle {
    /// What a cloud's metadata service says.
    pub fn of_cloud(cloud: Cloud, metadata: CloudMetadata) -> Self {
        Self { origin: cloud.to_string(), cloud: Some(metadata), ..Self::default() }
    }

    /// A document's name for messages.
    pub(super) fn name(&self, document: &'static str) -> String {
        self.names.get(document).cloned().unwrap_or_else(|| format!("{}: {document}", self.origin))
    }

    /// All documents that are there, and a digest of each.
    pub(super) fn digests(&self) -> BTreeMap<String, String> {
        let documents = [
            (USER_DATA, self.user_data.as_deref()),
            (META_DATA, self.meta_data.as_deref()),
            (NETWORK_CONFIG, self.network_config.as_deref()),
            (VENDOR_DATA, self.vendor_data.as_deref()),
        ];
        let digest = |text: &[u8]| hex::encode(&Sha256::digest(text)[..16]);
        let texts = documents.into_iter().filter_map(|(name, text)| Some((name.to_owned(), digest(text?.as_bytes()))));
        let ovf = self.ovf.iter().map(|environment| (OVF.to_owned(), digest(&environment.bytes())));
        texts.chain(ovf).collect()
    }

    /// Whether no platform said anything.
    pub fn is_empty(&self) -> bool {
        self.origin.is_empty()
    }
}

/// The platform that is a disk.
pub(super) const NO_CLOUD: &str = "NoCloud";

/// The documents' names.
pub(super) const USER_DATA: &str = "user-data";
pub(super) const META_DATA: &str = "meta-data";
pub(super) const NETWORK_CONFIG: &str = "network-config";
pub(super) const VENDOR_DATA: &str = "vendor-data";
pub(super) const OVF: &str = "ovf";

/// Asks the platforms that need no network, in this order; the first that says something is the one. With `patience`, disks that may still
/// appear are waited for, where nobody else said anything.
pub fn gather(patience: bool) -> Bundle {
    let found = [credentials, fw_cfg, vmware].into_iter().find_map(|ask| ask());
    found.or_else(|| no_cloud(patience)).unwrap_or_default()
}

/// A file; nothing if there is none.
fn file(path: &Path) -> Option<Result<String, String>> {
    let mut bytes = Vec::new();
    let opened = match fs::File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        other => other,
    };
    // One byte more shows that it is too long.
    let read = opened.and_then(|file| file.take(guestinfo::LONGEST_BYTES + 1).read_to_end(&mut bytes));
    let text = read.map_err(|error| error.to_string()).and_then(|_| guestinfo::text_of(&bytes).map_err(|error| error.to_string()));
    Some(text)
}

fn bundle(origin: &str, read: impl Fn(&str) -> Option<Result<String, String>>) -> Option<Bundle> {
    let mut bundle = Bundle { origin: origin.to_owned(), ..Bundle::default() };
    let mut take = |name: &str| match read(name)? {
        Ok(text) => Some(text),
        Err(reason) => {
            bundle.complaints.push(format!("{origin}: {name}: {reason}"));
            None
        }
    };
    let [user_data, meta_data, network_config, vendor_data] = [USER_DATA, META_DATA, NETWORK_CONFIG, VENDOR_DATA].map(&mut take);
    let any = [&user_data, &meta_data, &network_config, &vendor_data].iter().any(|text| text.is_some());
    let bundle = Bundle { user_data, meta_data, network_config, vendor_data, ..bundle };
    (any || !bundle.complaints.is_empty()).then_some(bundle)
}

/// A disk whose file system is called `cidata` (cloud-init's NoCloud).
fn no_cloud(patience: bool) -> Option<Bundle> {
    if patience {
        disks::wait();
    }
    disks::with_cidata(|folder| bundle(NO_CLOUD, |name| file(&folder.join(name)))).flatten()
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
    let (user_data, meta_data) = (document("userdata"), document("metadata"));
    let (network_config, vendor_data) = (document("network-config"), document("vendordata"));
    bundle = Bundle { user_data, meta_data, network_config, vendor_data, ..bundle };
    match guestinfo::variable("ovfEnv").map(|xml| Environment::parse(&xml)) {
        Some(Ok(environment)) if environment.is_empty() => {}
        Some(Ok(environment)) => {
            bundle.user_data = bundle.user_data.take().or_else(|| environment.user_data(&mut bundle.complaints));
            bundle.ovf = Some(environment);
        }
        Some(Err(error)) => bundle.complaints.push(error.to_string()),
        None => {}
    }
    let documents = [&bundle.user_data, &bundle.meta_data, &bundle.network_config, &bundle.vendor_data];
    let says = documents.iter().any(|text| text.is_some());
    (says || bundle.ovf.is_some() || !bundle.complaints.is_empty()).then_some(bundle)
}

/// systemd credentials: SMBIOS strings `io.systemd.credential:kaon.user-data=…`, and whatever else systemd takes them from.
fn credentials() -> Option<Bundle> {
    const FOLDER: &str = "/run/credentials/@system";
    bundle("credentials", |name| file(&Path::new(FOLDER).join(format!("kaon.{name}"))))
}

//! Where a platform says what a system is to be.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::metadata::{Cloud, CloudMetadata};
use super::{Environment, config_drive, disks};
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

    /// Takes the properties of an OVF environment, if any was filled in.
    pub(super) fn take_ovf(&mut self, xml: &str) {
        match Environment::parse(xml) {
            Ok(environment) if environment.is_empty() => {}
            Ok(environment) => {
                for (name, place) in [(USER_DATA, &mut self.user_data), (NETWORK_CONFIG, &mut self.network_config)] {
                    if place.is_none() {
                        *place = environment.document(name, &mut self.complaints);
                        self.names.extend(place.is_some().then(|| (name, format!("OVF: {name}"))));
                    }
                }
                self.ovf = Some(environment);
            }
            Err(error) => self.complaints.push(error.to_string()),
        }
    }

    /// Whether no platform said anything.
    pub fn is_empty(&self) -> bool {
        self.origin.is_empty()
    }
}

/// Platforms that are disks.
pub(super) const NO_CLOUD: &str = "NoCloud";
pub(super) const OVF_DISC: &str = "OVF disc";

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
    let mut bundle = found.or_else(|| disk(patience)).unwrap_or_default();
    if bundle.is_empty() {
        let said = ["/sys/class/dmi/id/product_serial", "/proc/cmdline"].map(|path| fs::read_to_string(path).unwrap_or_default());
        bundle.complaints.extend(said.iter().filter_map(|text| seed_from(text)));
        bundle.complaints.extend(service_of(&fs::read_to_string("/sys/class/dmi/id/product_name").unwrap_or_default()));
    }
    bundle
}

/// What is said of an address that a serial number or the kernel's arguments name for NoCloud: `ds=nocloud;s=http://192.0.2.7/`.
fn seed_from(text: &str) -> Option<String> {
    let text = text.replace(['"', '\''], "");
    let word = text.split_whitespace().find(|word| word.starts_with("ds=nocloud"))?;
    let address = word.split(';').find_map(|part| part.strip_prefix("s=").or_else(|| part.strip_prefix("seedfrom=")))?;
    Some(format!(
        "{NO_CLOUD}: documents are not fetched from `{}`, where anybody on the way could replace them: put them onto a disk labelled `cidata`, \
         or give them as credentials or with fw_cfg",
        crate::load::without_password(address)
    ))
}

/// What is said of a platform, by its name of the machine, whose metadata service is not asked.
fn service_of(product: &str) -> Option<String> {
    let is_openstack = product.trim().starts_with("OpenStack ");
    is_openstack.then(|| "OpenStack: its metadata service is not asked: give the machine a config drive (`--config-drive true`)".to_owned())
}

/// A file; nothing if there is none.
pub(super) fn file(path: &Path) -> Option<Result<String, String>> {
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

/// A disk that the platform wrote: one called `cidata` (cloud-init's NoCloud), OpenStack's config drive, or a disc with the OVF environment.
fn disk(patience: bool) -> Option<Bundle> {
    if patience {
        disks::wait();
    }
    let documents = disks::with_disk(disks::CIDATA, |folder| bundle(NO_CLOUD, |name| file(&folder.join(name)))).flatten();
    let documents = documents.or_else(|| disks::with_disk(disks::CONFIG_DRIVE, config_drive::read));
    documents.or_else(|| disks::with_disk(disks::OVF_ENVIRONMENT, |folder| file(&folder.join("ovf-env.xml"))).flatten().and_then(ovf_disc))
}

/// What a disc with the OVF environment says.
fn ovf_disc(text: Result<String, String>) -> Option<Bundle> {
    let mut bundle = Bundle { origin: OVF_DISC.to_owned(), ..Bundle::default() };
    match text {
        Ok(text) => bundle.take_ovf(&text),
        Err(reason) => bundle.complaints.push(format!("{OVF_DISC}: ovf-env.xml: {reason}")),
    }
    (bundle.ovf.is_some() || !bundle.complaints.is_empty()).then_some(bundle)
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
    if let Some(xml) = guestinfo::variable("ovfEnv") {
        bundle.take_ovf(&xml);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_documents_are_told() {
        let table = [
            ("ds=nocloud;s=http://192.0.2.7/a/\n", Some("http://192.0.2.7/a/")),
            ("root=x ds='nocloud-net;seedfrom=https://me:sesame@x.example/?key=1' quiet", Some("https://x.example/")),
            ("ds=nocloud;h=node", None),
            ("VMware-56 4d", None),
        ];
        for (text, expected) in table {
            let told = seed_from(text);
            assert_eq!(told.is_some(), expected.is_some(), "{text}");
            assert!(told.iter().all(|told| told.contains(&format!("`{}`", expected.unwrap())) && !told.contains("sesame")), "{told:?}");
        }
    }

    #[test]
    fn services_that_are_not_asked_are_told() {
        assert!(service_of("OpenStack Nova\n").is_some() && service_of("OpenStack Compute").is_some() && service_of("VMware7,1").is_none());
    }

    #[test]
    fn a_disc_says_what_was_filled_in() {
        let xml = |value: &str| format!(r#"<Environment xmlns:oe="x"><Property oe:key="hostname" oe:value="{value}"/></Environment>"#);
        let bundle = ovf_disc(Ok(xml("node"))).unwrap();
        assert!(bundle.ovf.is_some() && bundle.complaints.is_empty() && bundle.origin == OVF_DISC);
        assert!(ovf_disc(Ok(xml(""))).is_none());
        assert_eq!(ovf_disc(Err("it is larger".into())).unwrap().complaints, ["OVF disc: ovf-env.xml: it is larger"]);
    }
}

//! Where a platform says what a system is to be.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;

use super::Environment;
use crate::apply::run_program;
use crate::machine::find_program;

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

/// Asks the platforms, in this order; the first that says something is the one.
pub fn gather() -> Bundle {
    [no_cloud, fw_cfg, vmware].into_iter().find_map(|ask| ask()).unwrap_or_default()
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
    let hypervisor = fs::read_to_string("/sys/class/dmi/id/sys_vendor").is_ok_and(|vendor| vendor.starts_with("VMware"));
    find_program("vmware-rpctool").filter(|_| hypervisor)?;
    let variable = |name: &str| {
        let text = run_program("vmware-rpctool", &[&format!("info-get guestinfo.{name}")], None).ok()?;
        Some(text).filter(|text| !text.is_empty())
    };
    let mut bundle = Bundle { origin: "guestinfo".into(), ..Bundle::default() };
    let mut document = |name: &str| {
        let text = variable(name)?;
        let encoding = variable(&format!("{name}.encoding")).unwrap_or_default();
        let decoded = decode(&text, &encoding);
        if decoded.is_none() {
            bundle.complaints.push(format!("guestinfo.{name}: it cannot be decoded as `{encoding}`"));
        }
        decoded
    };
    let (user_data, meta_data, network_config) = (document("userdata"), document("metadata"), document("network-config"));
    (bundle.user_data, bundle.meta_data, bundle.network_config) = (user_data, meta_data, network_config);
    match variable("ovfEnv").map(|xml| Environment::parse(&xml)) {
        Some(Ok(environment)) => {
            bundle.user_data = bundle.user_data.take().or_else(|| environment.user_data(&mut bundle.complaints));
            bundle.ovf = Some(environment);
        }
        Some(Err(error)) => bundle.complaints.push(error.to_string()),
        None => {}
    }
    Some(bundle)
}

/// Text that was given as such, in Base64, or compressed in Base64.
pub(super) fn decode(text: &str, encoding: &str) -> Option<String> {
    let compressed = match encoding {
        "" => return Some(text.to_owned()),
        "base64" | "b64" => false,
        "gzip+base64" | "gz+b64" => true,
        _ => return None,
    };
    let text: String = text.split_whitespace().collect();
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
    if !compressed {
        return String::from_utf8(bytes).ok();
    }
    let mut plain = String::new();
    flate2::read::MultiGzDecoder::new(&bytes[..]).take(LONGEST_BYTES).read_to_string(&mut plain).ok()?;
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings() {
        assert_eq!(decode("a b", "").as_deref(), Some("a b"));
        assert_eq!(decode("aGk=\n", "base64").as_deref(), Some("hi"));
        assert_eq!(decode("H4sIAAAAAAACA8vIBACsKpPYAgAAAA==", "gzip+base64").as_deref(), Some("hi"));
        assert_eq!(decode("!", "base64"), None);
        assert_eq!(decode("a", "rot13"), None);
    }
}

//! The metadata services of clouds: what a cloud says of a machine, asked over the machine's own link.
//!
//! Which cloud it is, the firmware says; on any other machine nobody is asked.

mod azure;
mod ec2;
mod gce;
mod service;

use std::fmt;
use std::fs;
use std::path::Path;
use std::time::Duration;

use self::service::Service;
use super::cloud::CloudUser;

pub use self::service::MetadataError;

/// Where the kernel shows what the firmware says of the machine (SMBIOS).
pub const FIRMWARE: &str = "/sys/class/dmi/id";

/// A cloud whose machines can ask it about themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cloud {
    /// Amazon's.
    Ec2,
    /// Google's.
    Gce,
    /// Microsoft's.
    Azure,
}

/// What a cloud says of a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CloudMetadata {
    /// Which machine this is.
    pub instance: String,
    /// Its name.
    pub hostname: Option<String>,
    /// Keys that may log in as root.
    pub root_keys: Vec<String>,
    /// Users of the cloud's own settings.
    pub users: Vec<CloudUser>,
    /// A cloud-config file or a script.
    pub user_data: Option<String>,
    /// What could not be understood.
    pub complaints: Vec<String>,
}

/// Where a cloud is asked.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// The metadata service, without a slash at the end.
    pub metadata: String,
    /// Where the start of a machine is reported to Microsoft's cloud.
    pub fabric: String,
}

impl Default for Addresses {
    /// Those of all three clouds.
    fn default() -> Self {
        Self { metadata: "http://169.254.169.254".into(), fabric: "http://168.63.129.16".into() }
    }
}

/// How long a service is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For one answer.
    pub answer: Duration,
    /// Before the second try; each further one waits twice as long.
    pub pause: Duration,
    /// For everything; no try begins later.
    pub whole: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { answer: Duration::from_secs(5), pause: Duration::from_secs(1), whole: Duration::from_secs(60) }
    }
}

/// Azure's machines bear it, and no other machine of Hyper-V does.
const AZURE_TAG: &str = "7783-7084-3265-9085-8269-3286-77";

impl Cloud {
    /// The cloud this machine is of, by the firmware's words in `folder` ([`FIRMWARE`]).
    pub fn of(folder: &Path) -> Option<Self> {
        let word = |name: &str| fs::read_to_string(folder.join(name)).map(|text| text.trim().to_owned()).unwrap_or_default();
        let is_amazon = ["sys_vendor", "bios_vendor"].iter().any(|name| word(name) == "Amazon EC2");
        if word("chassis_asset_tag") == AZURE_TAG {
            Some(Self::Azure)
        } else if word("product_name") == "Google Compute Engine" || word("product_serial").starts_with("GoogleCloud-") {
            Some(Self::Gce)
        } else if is_amazon || word("bios_version").ends_with(".amazon") {
            // The last is how its older machines, those of Xen, are told from others' of Xen.
            Some(Self::Ec2)
        } else {
            None
        }
    }

    /// Asks the cloud. The network must be up.
    ///
    /// # Errors
    /// When it does not answer within `patience`, refuses, or answers what makes no sense.
    pub fn ask(self, addresses: &Addresses, patience: Patience) -> Result<CloudMetadata, MetadataError> {
        let service = Service::new(&addresses.metadata, patience);
        match self {
            Self::Ec2 => ec2::ask(&service),
            Self::Gce => gce::ask(&service),
            Self::Azure => azure::ask(&service),
        }
    }

    /// Reports the start of the machine to the cloud, if it requires that.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn report(self, addresses: &Addresses, patience: Patience) -> Result<(), MetadataError> {
        match self {
            Self::Ec2 | Self::Gce => Ok(()),
            Self::Azure => azure::report(&Service::new(&addresses.fabric, patience)),
        }
    }
}

impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ec2 => "EC2",
            Self::Gce => "GCE",
            Self::Azure => "Azure",
        })
    }
}

impl CloudMetadata {
    /// Takes user data: text, or text compressed by gzip.
    fn take_user_data(&mut self, bytes: Vec<u8>) {
        match system::guestinfo::text_of(&bytes) {
            Ok(text) if text.trim().is_empty() => {}
            Ok(text) => self.user_data = Some(text),
            Err(error) => self.complaints.push(format!("user-data: {error}")),
        }
    }
}

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;

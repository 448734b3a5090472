//! The disc with the OVF environment that vSphere gives to an appliance: from its properties to a login over SSH.

use std::path::{Path, PathBuf};

use super::guest::Guest;
use super::{fat, login};

/// What is asked of the machine.
pub fn script() -> String {
    login::script("root", "uname -n")
}

/// Writes the disc, as a disk that the emulator has for it.
pub fn disc(folder: &Path) -> PathBuf {
    let text = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<Environment xmlns="http://schemas.dmtf.org/ovf/environment/1" xmlns:oe="http://schemas.dmtf.org/ovf/environment/1"
     xmlns:ve="http://www.vmware.com/schema/ovfenv" oe:id="" ve:vCenterId="vm-17">
   <PlatformSection><Kind>VMware ESXi</Kind><Version>8.0.2</Version><Vendor>VMware, Inc.</Vendor><Locale>en</Locale></PlatformSection>
   <PropertySection>
      <Property oe:key="hostname" oe:value="appliance-1"/>
      <Property oe:key="password" oe:value="sesame &amp; more"/>
      <Property oe:key="public-keys" oe:value="{}"/>
      <Property oe:key="address" oe:value=""/>
   </PropertySection>
   <ve:EthernetAdapterSection><ve:Adapter ve:mac="52:54:00:12:34:56" ve:network="VM Network" ve:unitNumber="7"/></ve:EthernetAdapterSection>
</Environment>
"#,
        login::PUBLIC_KEY
    );
    fat::write(folder, "OVF ENV", &[("ovf-env.xml", &text)])
}

/// Whoever filled in the form gets in, with the key and, at the console, the password, which has not expired.
pub fn check(guest: &Guest) {
    assert_eq!(guest.one("hostname"), "appliance-1", "{}", guest.one("said"));
    assert_eq!(guest.one("login"), "appliance-1", "{}", guest.one("said"));
    assert!(guest.one("root-password").starts_with('$'), "root has no password: {}", guest.one("said"));
}

//! The descriptor of a virtual machine.
//!
//! Elements of an `Item` are in alphabetical order, as DMTF's schema requires. What only VMware understands is marked as not required, so
//! that others may ignore it.

use crate::description::{Firmware, Ova};
use base::xml::Xml;

/// The content of a descriptor.
#[derive(Clone, Copy, Debug)]
pub struct Descriptor<'a> {
    /// The machine's name.
    pub name: &'a str,
    /// What it is, in one line.
    pub summary: &'a str,
    /// The version of the system in it.
    pub version: &'a str,
    /// The machine.
    pub machine: Ova,
    /// The size of its disk, in GiB.
    pub disk_gib: u64,
    /// The size of the disk's content, in bytes.
    pub populated_bytes: u64,
}

/// A value asked when the machine is deployed, and passed to the guest.
#[derive(Clone, Copy, Debug)]
pub struct Property {
    /// The key by which the guest finds it.
    pub key: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// What to enter.
    pub description: &'static str,
    /// Whether it is hidden while typed.
    pub is_secret: bool,
}

/// All properties. Keys are those of cloud-init if it reads a property with the same meaning.
pub const PROPERTIES: [Property; 8] = [
    property("hostname", "Host name", "The machine's name; made up of its identity where none is given."),
    property("public-keys", "SSH keys", "Public keys that may log in, one a line. Without one, nobody can log in over the network."),
    Property { is_secret: true, ..property("password", "Password", "The password for the console. Without one, no password fits.") },
    property("address", "Address", "An IPv4 or IPv6 address with its prefix length, as 192.0.2.10/24; DHCP where none is given."),
    property("gateway", "Gateway", "The default gateway's address; for a given address only."),
    property("dns", "Name servers", "Addresses of name servers, with spaces between them."),
    property("user-data", "User data", "A cloud-config file, in Base64."),
    property("ca-certificates", "CA certificates", "Certificates to trust, in PEM or in Base64 of that; Docker trusts them too."),
];

const fn property(key: &'static str, label: &'static str, description: &'static str) -> Property {
    Property { key, label, description, is_secret: false }
}

/// The descriptor, whose only file is the disk `disk_name` of `disk_bytes`.
pub fn ovf(descriptor: &Descriptor<'_>, disk_name: &str, disk_bytes: u64) -> String {
    let mut xml = Xml::new();
    xml.open(
        "Envelope",
        &[
            ("xmlns", "http://schemas.dmtf.org/ovf/envelope/1"),
            ("xmlns:ovf", "http://schemas.dmtf.org/ovf/envelope/1"),
            ("xmlns:rasd", "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"),
            ("xmlns:vssd", "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData"),
            ("xmlns:vmw", "http://www.vmware.com/schema/ovf"),
        ],
    );
    xml.open("References", &[]);
    xml.empty("File", &[("ovf:href", disk_name), ("ovf:id", "file1"), ("ovf:size", &disk_bytes.to_string())]).close();
    disk_section(&mut xml, descriptor);
    xml.open("NetworkSection", &[]).text("Info", &[], "Networks");
    xml.open("Network", &[("ovf:name", NETWORK)]).text("Description", &[], "The machine's network").close().close();
    xml.open("VirtualSystem", &[("ovf:id", descriptor.name)]);
    xml.text("Info", &[], "A virtual machine").text("Name", &[], descriptor.name);
    operating_system(&mut xml, descriptor.machine.hardware_version);
    hardware(&mut xml, descriptor);
    product(&mut xml, descriptor);
    xml.finish()
}

const NETWORK: &str = "VM Network";

fn disk_section(xml: &mut Xml, descriptor: &Descriptor<'_>) {
    xml.open("DiskSection", &[]).text("Info", &[], "Virtual disks");
    let format = "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized";
    let disk = [
        ("ovf:capacity", &*descriptor.disk_gib.to_string()),
        ("ovf:capacityAllocationUnits", "byte * 2^30"),
        ("ovf:diskId", "vmdisk1"),
        ("ovf:fileRef", "file1"),
        ("ovf:format", format),
        ("ovf:populatedSize", &descriptor.populated_bytes.to_string()),
    ];
    xml.empty("Disk", &disk);
    if let Some(size_gib) = descriptor.machine.data_disk_gib {
        let size_gib = size_gib.to_string();
        // A disk without a file is empty.
        let disk = [
            ("ovf:capacity", &*size_gib),
            ("ovf:capacityAllocationUnits", "byte * 2^30"),
            ("ovf:diskId", "vmdisk2"),
            ("ovf:format", format),
        ];
        xml.empty("Disk", &disk);
    }
    xml.close();
}

/// 101 is 64-bit Linux in CIM. VMware's name for kernels from 4 on exists since virtual hardware 14, that for kernels from 5 on since 16.
fn operating_system(xml: &mut Xml, hardware_version: u64) {
    let kind = if hardware_version >= 16 { "other5xLinux64Guest" } else { "other4xLinux64Guest" };
    xml.open("OperatingSystemSection", &[("ovf:id", "101"), ("vmw:osType", kind)]);
    xml.text("Info", &[], "The guest's operating system").text("Description", &[], "Kaon").close();
}

fn hardware(xml: &mut Xml, descriptor: &Descriptor<'_>) {
    let machine = descriptor.machine;
    xml.open("VirtualHardwareSection", &[("ovf:transport", "com.vmware.guestInfo")]).text("Info", &[], "Virtual hardware");
    xml.open("System", &[]);
    xml.text("vssd:ElementName", &[], "Virtual Hardware Family").text("vssd:InstanceID", &[], "0");
    xml.text("vssd:VirtualSystemIdentifier", &[], descriptor.name);
    xml.text("vssd:VirtualSystemType", &[], &format!("vmx-{}", machine.hardware_version)).close();
    let (cpus, memory) = (machine.cpus.to_string(), machine.memory_mib.to_string());
    let processors = [("AllocationUnits", "hertz * 10^6"), ("ElementName", "Processors"), ("InstanceID", "1"), ("ResourceType", "3")];
    item(xml, &[&processors[..], &[("VirtualQuantity", &cpus)]].concat());
    let units = [("AllocationUnits", "byte * 2^20"), ("ElementName", "Memory"), ("InstanceID", "2"), ("ResourceType", "4")];
    item(xml, &[&units[..], &[("VirtualQuantity", &memory)]].concat());
    item(
        xml,
        &[
            ("Address", "0"),
            ("ElementName", "SCSI controller"),
            ("InstanceID", "3"),
            ("ResourceSubType", "VirtualSCSI"),
            ("ResourceType", "6"),
        ],
    );
    let disk = [("AddressOnParent", "0"), ("ElementName", "Disk"), ("HostResource", "ovf:/disk/vmdisk1")];
    item(xml, &[&disk[..], &[("InstanceID", "4"), ("Parent", "3"), ("ResourceType", "17")]].concat());
    if machine.data_disk_gib.is_some() {
        let disk = [("AddressOnParent", "1"), ("ElementName", "Data disk"), ("HostResource", "ovf:/disk/vmdisk2")];
        item(xml, &[&disk[..], &[("InstanceID", "6"), ("Parent", "3"), ("ResourceType", "17")]].concat());
    }
    let network = [("AddressOnParent", "7"), ("AutomaticAllocation", "true"), ("Connection", NETWORK), ("ElementName", "Network adapter")];
    item(xml, &[&network[..], &[("InstanceID", "5"), ("ResourceSubType", "VmxNet3"), ("ResourceType", "10")]].concat());
    let firmware = match machine.firmware {
        Firmware::Efi => "efi",
        Firmware::Bios => "bios",
    };
    let options = [
        ("firmware", firmware),
        ("bootOptions.efiSecureBootEnabled", "false"),
        ("cpuHotAddEnabled", "true"),
        ("memoryHotAddEnabled", "true"),
        ("tools.syncTimeWithHost", "false"),
    ];
    for (key, value) in options {
        xml.empty("vmw:Config", &[("ovf:required", "false"), ("vmw:key", key), ("vmw:value", value)]);
    }
    xml.close();
}

fn item(xml: &mut Xml, elements: &[(&str, &str)]) {
    xml.open("Item", &[]);
    for (name, text) in elements {
        xml.text(&format!("rasd:{name}"), &[], text);
    }
    xml.close();
}

fn product(xml: &mut Xml, descriptor: &Descriptor<'_>) {
    xml.open("ProductSection", &[]).text("Info", &[], descriptor.summary);
    xml.text("Product", &[], "Kaon").text("Vendor", &[], "Kaon").text("Version", &[], descriptor.version);
    xml.text("FullVersion", &[], descriptor.version).text("Category", &[], "First boot");
    for property in &PROPERTIES {
        let secret: &[_] = if property.is_secret { &[("ovf:password", "true")] } else { &[] };
        let plain = [("ovf:key", property.key), ("ovf:type", "string"), ("ovf:userConfigurable", "true"), ("ovf:value", "")];
        xml.open("Property", &[secret, &plain].concat());
        xml.text("Label", &[], property.label).text("Description", &[], property.description).close();
    }
    xml.close();
}

#[cfg(test)]
mod tests {
    use super::super::shape::{faults, read};
    use super::*;

    #[test]
    fn the_descriptor_describes_the_machine() {
        let machine = Ova { firmware: Firmware::Bios, hardware_version: 19, ..Ova::default() };
        let descriptor =
            Descriptor { name: "kaon-minimal", summary: "A <small> system", version: "1", machine, disk_gib: 16, populated_bytes: 5 };
        let text = ovf(&descriptor, "kaon-minimal.vmdk", 99);
        for part in [
            "ovf:href=\"kaon-minimal.vmdk\" ovf:id=\"file1\" ovf:size=\"99\"",
            "<vssd:VirtualSystemType>vmx-19<",
            "vmw:osType=\"other5xLinux64Guest\"",
            "vmw:key=\"firmware\" vmw:value=\"bios\"",
            "A &lt;small&gt; system",
            "<Property ovf:password=\"true\" ovf:key=\"password\"",
            "</Envelope>",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }

    fn descriptors() -> Vec<String> {
        let machines =
            [Ova::default(), Ova { firmware: Firmware::Bios, hardware_version: 21, cpus: 8, memory_mib: 4096, data_disk_gib: Some(100) }];
        let of = |machine| Descriptor { name: "kaon-x", summary: "<x> & \"y\"", version: "1", machine, disk_gib: 16, populated_bytes: 5 };
        machines.into_iter().map(|machine| ovf(&of(machine), "kaon-x.vmdk", 99)).collect()
    }

    #[test]
    fn descriptors_keep_the_schema_s_rules() {
        for text in descriptors() {
            assert_eq!(faults(&read(&text).unwrap()), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn a_data_disk_is_empty_and_the_second_one() {
        let text = descriptors().remove(1);
        assert!(text.contains("<Disk ovf:capacity=\"100\" ovf:capacityAllocationUnits=\"byte * 2^30\" ovf:diskId=\"vmdisk2\""), "{text}");
        assert!(text.contains("<rasd:AddressOnParent>1<") && text.contains("<rasd:HostResource>ovf:/disk/vmdisk2<"), "{text}");
        assert!(!descriptors()[0].contains("vmdisk2"));
    }

    #[test]
    fn the_rules_find_faults() {
        let text = descriptors().remove(0);
        let table = [
            ("ovf:diskId=\"vmdisk1\"", "ovf:diskId=\"vmdisk2\"", "`rasd:HostResource` refers to `ovf:/disk/vmdisk1`"),
            ("ovf:fileRef=\"file1\"", "ovf:fileRef=\"file2\"", "`ovf:fileRef` refers to `file2`"),
            (" ovf:id=\"101\"", "", "`ovf:OperatingSystemSection` lacks `ovf:id`"),
            ("ovf:id=\"101\"", "ovf:id=\"Linux\"", "is not a number: `Linux`"),
            ("ovf:key=\"dns\"", "ovf:key=\"gateway\"", "two of `ovf:Property` have the same `ovf:key`"),
            ("ovf:type=\"string\"", "ovf:type=\"text\"", "is not a type: `text`"),
            ("<rasd:Parent>3<", "<rasd:Parent>9<", "`rasd:Parent` refers to `9`"),
            ("<rasd:InstanceID>2<", "<rasd:InstanceID>1<", "two items have the same number"),
            ("VirtualSystem ovf:id", "VirtualSystem ovf:name", "`ovf:VirtualSystem` lacks `ovf:id`"),
            ("<Product>Kaon</Product>", "<Produkt>Kaon</Produkt>", "`ovf:ProductSection` has `ovf:Produkt` where it must not be"),
            ("<Vendor>Kaon</Vendor>", "<Version>1</Version>", "`ovf:ProductSection` has `ovf:Version` where it must not be"),
            ("<Info>Networks</Info>", "", "`ovf:NetworkSection` lacks `ovf:Info` at its place"),
            ("<rasd:ResourceSubType>VmxNet3", "<rasd:ResourceSubType ovf:x=\"1\">VmxNet3", "must contain only text"),
        ];
        for (from, to, fault) in table {
            assert!(text.contains(from), "{from}\n{text}");
            let found = faults(&read(&text.replace(from, to)).unwrap());
            assert!(found.iter().any(|found| found.contains(fault)), "{from}: {found:?}");
        }
        assert!(read(&text.replace("envelope/1\"", "envelope/2\"")).is_err(), "another version's namespace");
    }
}

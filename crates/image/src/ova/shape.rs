//! The rules of DMTF's schema for OVF 1.1 (DSP8023) that our descriptors must follow: which children an element has and in which order,
//! which attributes it has, and what refers to what. Covers only what Kaon writes; anything else is a fault.

use std::collections::{BTreeMap, BTreeSet};

use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;

const OVF: &str = "http://schemas.dmtf.org/ovf/envelope/1";
const RASD: &str = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData";
const VSSD: &str = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData";
const VMW: &str = "http://www.vmware.com/schema/ovf";

/// An element. Names are `prefix:name`, with the prefixes below regardless of the document's.
#[derive(Debug, Default)]
pub(super) struct Element {
    name: String,
    attributes: BTreeMap<String, String>,
    text: String,
    children: Vec<Element>,
}

/// How often a child may occur at its position.
#[derive(Clone, Copy, PartialEq)]
enum Times {
    One,
    Maybe,
    Any,
}
use Times::{Any, Maybe, One};

/// What an element may contain: children in order, required and optional attributes.
struct Rule {
    name: &'static str,
    children: &'static [(&'static str, Times)],
    required: &'static [&'static str],
    optional: &'static [&'static str],
}

const fn rule(
    name: &'static str,
    children: &'static [(&'static str, Times)],
    required: &'static [&'static str],
    optional: &'static [&'static str],
) -> Rule {
    Rule { name, children, required, optional }
}

const RULES: &[Rule] = &[
    rule(
        "ovf:Envelope",
        &[("ovf:References", One), ("ovf:DiskSection", Maybe), ("ovf:NetworkSection", Maybe), ("ovf:VirtualSystem", One)],
        &[],
        &[],
    ),
    rule("ovf:References", &[("ovf:File", Any)], &[], &[]),
    rule("ovf:File", &[], &["ovf:id", "ovf:href"], &["ovf:size"]),
    rule("ovf:DiskSection", &[("ovf:Info", One), ("ovf:Disk", Any)], &[], &["ovf:required"]),
    rule(
        "ovf:Disk",
        &[],
        &["ovf:diskId", "ovf:capacity"],
        &["ovf:fileRef", "ovf:capacityAllocationUnits", "ovf:format", "ovf:populatedSize"],
    ),
    rule("ovf:NetworkSection", &[("ovf:Info", One), ("ovf:Network", Any)], &[], &["ovf:required"]),
    rule("ovf:Network", &[("ovf:Description", Maybe)], &["ovf:name"], &[]),
    rule(
        "ovf:VirtualSystem",
        &[
            ("ovf:Info", One),
            ("ovf:Name", Maybe),
            ("ovf:OperatingSystemSection", Maybe),
            ("ovf:VirtualHardwareSection", Maybe),
            ("ovf:ProductSection", Maybe),
        ],
        &["ovf:id"],
        &[],
    ),
    rule("ovf:OperatingSystemSection", &[("ovf:Info", One), ("ovf:Description", Maybe)], &["ovf:id"], &["ovf:required", "vmw:osType"]),
    // Elements of other namespaces are at the end.
    rule(
        "ovf:VirtualHardwareSection",
        &[("ovf:Info", One), ("ovf:System", Maybe), ("ovf:Item", Any), ("vmw:Config", Any)],
        &[],
        &["ovf:required", "ovf:transport"],
    ),
    rule(
        "ovf:System",
        &[("vssd:ElementName", One), ("vssd:InstanceID", One), ("vssd:VirtualSystemIdentifier", Maybe), ("vssd:VirtualSystemType", Maybe)],
        &[],
        &[],
    ),
    rule(
        "ovf:Item",
        &[
            ("rasd:Address", Maybe),
            ("rasd:AddressOnParent", Maybe),
            ("rasd:AllocationUnits", Maybe),
            ("rasd:AutomaticAllocation", Maybe),
            ("rasd:Connection", Any),
            ("rasd:ElementName", One),
            ("rasd:HostResource", Any),
            ("rasd:InstanceID", One),
            ("rasd:Parent", Maybe),
            ("rasd:ResourceSubType", Maybe),
            ("rasd:ResourceType", Maybe),
            ("rasd:VirtualQuantity", Maybe),
        ],
        &[],
        &["ovf:required"],
    ),
    rule("vmw:Config", &[], &["ovf:required", "vmw:key", "vmw:value"], &[]),
    rule(
        "ovf:ProductSection",
        &[
            ("ovf:Info", One),
            ("ovf:Product", Maybe),
            ("ovf:Vendor", Maybe),
            ("ovf:Version", Maybe),
            ("ovf:FullVersion", Maybe),
            ("ovf:Category", Any),
            ("ovf:Property", Any),
        ],
        &[],
        &["ovf:required"],
    ),
    rule(
        "ovf:Property",
        &[("ovf:Label", Maybe), ("ovf:Description", Maybe)],
        &["ovf:key", "ovf:type"],
        &["ovf:userConfigurable", "ovf:value", "ovf:password"],
    ),
];

/// Attributes and elements whose values are numbers; `true` or `false`; types of properties in DSP0243.
const NUMBERS: [&str; 9] = [
    "ovf:OperatingSystemSection@ovf:id",
    "ovf:File@ovf:size",
    "ovf:Disk@ovf:capacity",
    "ovf:Disk@ovf:populatedSize",
    "rasd:ResourceType",
    "rasd:VirtualQuantity",
    "rasd:InstanceID",
    "rasd:AddressOnParent",
    "rasd:Parent",
];
const TRUTHS: [&str; 4] =
    ["rasd:AutomaticAllocation", "ovf:Property@ovf:userConfigurable", "ovf:Property@ovf:password", "vmw:Config@ovf:required"];
const TYPES: [&str; 9] = ["boolean", "sint16", "sint32", "sint64", "sint8", "string", "uint16", "uint32", "uint8"];

/// Reads a document whose namespaces are those above.
pub(super) fn read(xml: &str) -> Result<Element, String> {
    let mut reader = NsReader::from_str(xml);
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(start) => open.push(element(&reader, &start)?),
            Event::Empty(start) => {
                let element = element(&reader, &start)?;
                open.last_mut().ok_or("no element is open")?.children.push(element);
            }
            Event::End(_) => {
                let element = open.pop().ok_or("no element is open")?;
                open.last_mut().ok_or("no element is open")?.children.push(element);
            }
            Event::Text(text) => {
                let text = text.xml10_content();
                open.last_mut().ok_or("no element is open")?.text.push_str(&text);
            }
            // The exact character does not matter here.
            Event::GeneralRef(_) => open.last_mut().ok_or("no element is open")?.text.push('?'),
            Event::Eof => {
                let mut document = open.pop().ok_or("no document")?;
                return if document.children.len() == 1 { Ok(document.children.remove(0)) } else { Err("not one root".into()) };
            }
            _ => {}
        }
    }
}

fn element(reader: &NsReader<&[u8]>, start: &BytesStart<'_>) -> Result<Element, String> {
    let (namespace, local) = reader.resolver().resolve_element(start.name());
    let name = qualified(&namespace, local.as_ref())?;
    let mut attributes = BTreeMap::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        if attribute.key.as_namespace_binding().is_some() {
            continue;
        }
        let (namespace, local) = reader.resolver().resolve_attribute(attribute.key);
        let value = quick_xml::escape::unescape(&attribute.value).map_err(|error| error.to_string())?.into_owned();
        attributes.insert(qualified(&namespace, local.as_ref())?, value);
    }
    Ok(Element { name, attributes, ..Element::default() })
}

fn qualified(namespace: &ResolveResult<'_>, local: &str) -> Result<String, String> {
    let ResolveResult::Bound(namespace) = namespace else { return Err(format!("`{local}` has no namespace")) };
    let known = [(OVF, "ovf"), (RASD, "rasd"), (VSSD, "vssd"), (VMW, "vmw")];
    let prefix = known.iter().find(|(name, _)| *name == namespace.0).map(|(_, prefix)| prefix);
    prefix.map(|prefix| format!("{prefix}:{local}")).ok_or_else(|| format!("`{local}` is of another namespace"))
}

/// Everything in a descriptor that violates the rules.
pub(super) fn faults(envelope: &Element) -> Vec<String> {
    let mut faults = Vec::new();
    if envelope.name != "ovf:Envelope" {
        faults.push(format!("the root is `{}`", envelope.name));
    }
    judge(envelope, &mut faults);
    references(envelope, &mut faults);
    faults
}

fn judge(element: &Element, faults: &mut Vec<String>) {
    let name = &element.name;
    let texts = element.attributes.iter().map(|(key, value)| (format!("{name}@{key}"), value)).chain([(name.clone(), &element.text)]);
    for (place, text) in texts {
        if NUMBERS.contains(&place.as_str()) && text.parse::<u64>().is_err() {
            faults.push(format!("`{place}` is not a number: `{text}`"));
        }
        if TRUTHS.contains(&place.as_str()) && !["true", "false"].contains(&text.as_str()) {
            faults.push(format!("`{place}` is neither true nor false: `{text}`"));
        }
        if place == "ovf:Property@ovf:type" && !TYPES.contains(&text.as_str()) {
            faults.push(format!("`{place}` is not a type: `{text}`"));
        }
    }
    let Some(rule) = RULES.iter().find(|rule| rule.name == name) else {
        let is_plain = element.children.is_empty() && element.attributes.is_empty();
        if !is_plain {
            faults.push(format!("`{name}` must contain only text"));
        }
        return;
    };
    if !element.text.trim().is_empty() {
        faults.push(format!("`{name}` contains text"));
    }
    faults.extend(rule.required.iter().filter(|key| !element.attributes.contains_key(**key)).map(|key| format!("`{name}` lacks `{key}`")));
    let known = |key: &&String| rule.required.iter().chain(rule.optional).any(|known| known == key);
    faults.extend(element.attributes.keys().filter(|key| !known(key)).map(|key| format!("`{name}` has `{key}`")));
    let mut left = element.children.iter().map(|child| child.name.as_str()).peekable();
    for (child, times) in rule.children {
        let mut count = 0;
        while left.peek() == Some(child) && (*times == Any || count == 0) {
            left.next();
            count += 1;
        }
        if *times == One && count == 0 {
            faults.push(format!("`{name}` lacks `{child}` at its place"));
        }
    }
    faults.extend(left.map(|child| format!("`{name}` has `{child}` where it must not be")));
    element.children.iter().for_each(|child| judge(child, faults));
}

/// References must be to existing elements, and identifiers must be unique.
fn references(envelope: &Element, faults: &mut Vec<String>) {
    let all = |name: &str| -> Vec<&Element> {
        let mut found = Vec::new();
        let mut left = vec![envelope];
        while let Some(element) = left.pop() {
            if element.name == name {
                found.push(element);
            }
            left.extend(&element.children);
        }
        found
    };
    let mut names = |element: &str, key: &str| -> BTreeSet<String> {
        let values: Vec<String> = all(element).iter().filter_map(|element| element.attributes.get(key).cloned()).collect();
        let set: BTreeSet<String> = values.iter().cloned().collect();
        if set.len() != values.len() {
            faults.push(format!("two of `{element}` have the same `{key}`"));
        }
        set
    };
    let (files, disks, networks) = (names("ovf:File", "ovf:id"), names("ovf:Disk", "ovf:diskId"), names("ovf:Network", "ovf:name"));
    names("ovf:Property", "ovf:key");
    let texts = |name: &str| -> Vec<String> { all(name).iter().map(|element| element.text.clone()).collect() };
    let items = texts("rasd:InstanceID");
    if items.iter().collect::<BTreeSet<_>>().len() != items.len() {
        faults.push("two items have the same number".into());
    }
    let mut refer = |what: &str, to: Vec<String>, known: &dyn Fn(&str) -> bool| {
        faults.extend(to.iter().filter(|name| !known(name)).map(|name| format!("`{what}` refers to `{name}`, which is not there")));
    };
    let file_refs = all("ovf:Disk").iter().filter_map(|disk| disk.attributes.get("ovf:fileRef").cloned()).collect();
    refer("ovf:fileRef", file_refs, &|name| files.contains(name));
    refer("rasd:Connection", texts("rasd:Connection"), &|name| networks.contains(name));
    refer("rasd:Parent", texts("rasd:Parent"), &|name| items.iter().any(|item| item == name));
    refer("rasd:HostResource", texts("rasd:HostResource"), &|name| name.strip_prefix("ovf:/disk/").is_some_and(|id| disks.contains(id)));
}

//! Microsoft's metadata service ("Azure Instance Metadata Service"), and the report that the machine has started, without which the cloud
//! takes the machine for one that failed ("Creating generalized images without a provisioning agent").

use base64::Engine as _;
use quick_xml::Reader;
use quick_xml::events::Event;
use serde::Deserialize;

use super::CloudMetadata;
use super::gce::administrator;
use super::service::{MetadataError, Method, Reply, Service};

/// The first version with `userData`, and `osProfile`'s neighbour `publicKeys`.
const PATH: &str = "/metadata/instance?api-version=2021-02-01";

/// Headers of the older service that machines report to.
const FABRIC: [(&str, &str); 3] =
    [("x-ms-version", "2012-11-30"), ("x-ms-agent-name", "kaon-firstboot"), ("Content-Type", "text/xml; charset=utf-8")];

#[derive(Debug, Deserialize)]
struct Instance {
    compute: Compute,
}

/// Of `compute`, what is of interest.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Compute {
    vm_id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    os_profile: Profile,
    #[serde(default)]
    public_keys: Vec<Key>,
    #[serde(default)]
    user_data: String,
    #[serde(default)]
    custom_data: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Profile {
    admin_username: String,
    computer_name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    key_data: String,
}

/// Asks all there is to ask.
pub(super) fn ask(service: &Service) -> Result<CloudMetadata, MetadataError> {
    let reply = service.send(Method::Get, PATH, &[("Metadata", "true")])?;
    if reply.status != 200 {
        return Err(reply.refusal());
    }
    let Instance { compute } = reply.json()?;
    let names = [compute.os_profile.computer_name, compute.name];
    let mut metadata =
        CloudMetadata { instance: compute.vm_id, hostname: names.into_iter().find(|name| !name.is_empty()), ..CloudMetadata::default() };
    // Keys made on Windows have its line ends, in the middle too.
    let keys: Vec<String> = compute.public_keys.iter().map(|key| key.key_data.replace(['\r', '\n'], "").trim().to_owned()).collect();
    match compute.os_profile.admin_username.as_str() {
        "" | "root" => metadata.root_keys = keys,
        name => metadata.users.push(administrator(name, keys, &mut metadata.complaints)),
    }
    for (name, text) in [("userData", compute.user_data), ("customData", compute.custom_data)] {
        let text: String = text.split_whitespace().collect();
        if text.is_empty() || metadata.user_data.is_some() {
            continue;
        }
        match base64::engine::general_purpose::STANDARD.decode(text) {
            Ok(bytes) => metadata.take_user_data(bytes),
            Err(_) => metadata.complaints.push(format!("{name}: not Base64")),
        }
    }
    Ok(metadata)
}

/// Tells the cloud that the machine has started.
pub(super) fn report(service: &Service) -> Result<(), MetadataError> {
    let state = service.send(Method::Get, "/machine/?comp=goalstate", &FABRIC)?;
    if state.status != 200 {
        return Err(state.refusal());
    }
    let health = health(&state)?;
    service.send(Method::Post(&health), "/machine?comp=health", &FABRIC)?.found().map(drop)
}

/// The report that answers a goal state.
fn health(state: &Reply) -> Result<String, MetadataError> {
    let text = state.text()?;
    let element = |name: &str| {
        let value = first_text(&text, name).map_err(|error| state.malformed(error))?;
        value.ok_or_else(|| state.malformed(format!("`{name}` is missing")))
    };
    let (incarnation, container, instance) = (element("Incarnation")?, element("ContainerId")?, element("InstanceId")?);
    Ok(format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<Health xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\"><GoalStateIncarnation>{incarnation}</GoalStateIncarnation><Container>\
         <ContainerId>{container}</ContainerId><RoleInstanceList><Role><InstanceId>{instance}</InstanceId><Health><State>Ready</State>\
         </Health></Role></RoleInstanceList></Container></Health>"
    ))
}

/// The text of the first element of this name, as XML has it.
fn first_text(xml: &str, name: &str) -> Result<Option<String>, quick_xml::Error> {
    let mut reader = Reader::from_str(xml);
    let mut text: Option<String> = None;
    loop {
        match reader.read_event()? {
            Event::Start(element) if element.local_name().as_ref() == name => text = Some(String::new()),
            Event::Text(part) => {
                if let Some(text) = &mut text {
                    text.push_str(&part);
                }
            }
            // Left as it is, for it goes into XML again.
            Event::GeneralRef(reference) => {
                if let Some(text) = &mut text {
                    text.push_str(&format!("&{};", reference.xml10_content()));
                }
            }
            Event::End(element) if element.local_name().as_ref() == name => return Ok(text.map(|text| text.trim().to_owned())),
            Event::Eof => return Ok(None),
            _ => {}
        }
    }
}

//! From the documents of a platform to what is to be done.

use std::collections::BTreeSet;

use kickstart::document::{Complaint, Document, Language, Parsed, Problems};
use kickstart::{Network, NetworkData, NetworkV1, Route, foreign, network_dialect, networkd};
use serde::Deserialize;
use system::guestinfo;

use super::cloud::{CloudConfig, MetaData, Places, meta};
use super::source::{Bundle, META_DATA, NETWORK_CONFIG, OVF, USER_DATA, VENDOR_DATA};
use super::user_data::{self, UserData};

/// What is known of a system from outside, and what of it was not understood.
#[derive(Debug, Default)]
pub struct Wishes {
    /// Which system this is, in the platform's words.
    pub instance: String,
    /// What is to be done.
    pub cloud: CloudConfig,
    /// The network.
    pub network: Option<Network>,
    /// Scripts, for when the network is up.
    pub scripts: Vec<String>,
    /// Scripts, for before anything else.
    pub boothooks: Vec<String>,
    /// Addresses of further user data.
    pub includes: Vec<String>,
    /// What was not understood.
    pub complaints: Vec<String>,
    /// Where what is to be done is described.
    pub(crate) places: Places,
    /// Documents of which nothing could be read.
    pub unread: BTreeSet<String>,
    /// Whether something was done before at this start, which this comes on top of.
    pub is_added: bool,
}

/// Combines all documents of a platform.
pub fn understand(bundle: &Bundle) -> Wishes {
    understand_news(bundle, &BTreeSet::new())
}

/// What the meta-data says.
struct Meta {
    data: MetaData,
    network: Option<Network>,
    json: Option<serde_json::Value>,
}

/// Combines all documents, of which those in `done` were done before: of them, only what others need is taken.
pub(super) fn understand_news(bundle: &Bundle, done: &BTreeSet<String>) -> Wishes {
    let mut wishes = Wishes { complaints: bundle.complaints.clone(), ..Wishes::default() };
    let mut quiet = Vec::new();
    let is_done = |document: &str| done.contains(document);
    let meta = {
        let complaints = if is_done(META_DATA) { &mut quiet } else { &mut wishes.complaints };
        bundle.meta_data.as_ref().filter(|text| !user_data::is_blank(text)).map(|text| meta_data(&bundle.name(META_DATA), text, complaints))
    };
    let meta = match meta {
        Some(None) => {
            wishes.unread.insert(META_DATA.to_owned());
            None
        }
        other => other.flatten(),
    };
    let facts = facts_of(bundle, meta.as_ref());
    for document in [USER_DATA, VENDOR_DATA] {
        let Some(text) = text_of(bundle, document) else { continue };
        let complaints = if is_done(document) { &mut quiet } else { &mut wishes.complaints };
        let mut reader = user_data::Reader::new(&facts, complaints);
        reader.read(&bundle.name(document), text);
        let found = reader.found;
        if !found.is_read {
            wishes.unread.insert(document.to_owned());
        }
        wishes.take(found, is_done(document));
    }
    if let Some(environment) = &bundle.ovf {
        let complaints = if is_done(OVF) { &mut quiet } else { &mut wishes.complaints };
        let (mut cloud, network) = environment.wishes(complaints);
        if is_done(OVF) {
            cloud = CloudConfig { hostname: cloud.hostname, ..CloudConfig::default() };
        } else {
            wishes.network = network;
        }
        wishes.cloud.add(cloud);
    }
    if let Some(text) = bundle.network_config.as_ref().filter(|text| !user_data::is_blank(text)) {
        let complaints = if is_done(NETWORK_CONFIG) { &mut quiet } else { &mut wishes.complaints };
        let name = bundle.name(NETWORK_CONFIG);
        let parsed = parsed_network(&name, text).map_err(|problems| complaints.push(problems.to_string()));
        match parsed {
            Ok(parsed) => wishes.network = network(parsed, complaints).filter(|_| !is_done(NETWORK_CONFIG)),
            Err(()) => drop(wishes.unread.insert(NETWORK_CONFIG.to_owned())),
        }
    }
    if let Some(mut meta) = meta {
        wishes.instance = meta.data.instance_id.take().or(meta.data.uuid.take()).map(|word| word.0).unwrap_or_default();
        wishes.cloud.hostname = wishes.cloud.hostname.take().or(meta.data.local_hostname).or(meta.data.hostname);
        if !is_done(META_DATA) {
            let told = wishes.cloud.add_keys(meta.data.public_keys.0);
            wishes.complaints.extend(told.into_iter().map(|line| format!("{}: {line}", bundle.name(META_DATA))));
            wishes.network = wishes.network.take().or(meta.network);
        }
    }
    if wishes.instance.is_empty()
        && let Some(instance) = bundle.ovf.as_ref().and_then(|environment| environment.instance())
    {
        wishes.instance = instance.to_owned();
    }
    if let Some(metadata) = &bundle.cloud {
        wishes.instance.clone_from(&metadata.instance);
        wishes.complaints.extend(metadata.complaints.iter().map(|line| format!("{}: {line}", bundle.origin)));
        let hostname = metadata.hostname.clone().map(super::cloud::Hostname);
        let given = CloudConfig { hostname, users: metadata.users.clone(), ..CloudConfig::default() };
        wishes.cloud.add(given);
        let told = wishes.cloud.add_keys(metadata.root_keys.clone());
        wishes.complaints.extend(told.into_iter().map(|line| format!("{}: {line}", bundle.origin)));
    }
    let told = wishes.cloud.settle(&wishes.places);
    wishes.complaints.extend(told);
    wishes
}

/// The text of a document that is user data.
fn text_of<'a>(bundle: &'a Bundle, document: &str) -> Option<&'a String> {
    if document == VENDOR_DATA {
        return bundle.vendor_data.as_ref();
    }
    let of_cloud = bundle.cloud.as_ref().and_then(|cloud| cloud.user_data.as_ref());
    bundle.user_data.as_ref().or(of_cloud)
}

/// What templates may ask for.
pub(super) fn facts(bundle: &Bundle) -> serde_json::Value {
    let meta = bundle.meta_data.as_ref().and_then(|text| meta_data("", text, &mut Vec::new()));
    facts_of(bundle, meta.as_ref())
}

fn facts_of(bundle: &Bundle, meta: Option<&Meta>) -> serde_json::Value {
    let cloud = bundle.cloud.as_ref();
    let hostname = cloud.and_then(|cloud| cloud.hostname.as_deref());
    let instance = cloud.map(|cloud| cloud.instance.as_str()).unwrap_or_default();
    user_data::facts(meta.and_then(|meta| meta.json.as_ref()), &bundle.origin, hostname, instance)
}

impl Wishes {
    /// Takes what user data asks for, where nothing before it says so.
    fn take(&mut self, found: UserData, is_done: bool) {
        if is_done {
            let CloudConfig { hostname, fqdn, prefer_fqdn_over_hostname, preserve_hostname, .. } = found.cloud;
            self.cloud.fill(CloudConfig { hostname, fqdn, prefer_fqdn_over_hostname, preserve_hostname, ..CloudConfig::default() });
            return;
        }
        self.cloud.fill(found.cloud);
        // What was read before goes before, also as to where it is.
        self.places.0.splice(..0, found.places.0);
        self.scripts.extend(found.scripts);
        self.boothooks.extend(found.boothooks);
        self.includes.extend(found.includes);
    }

    /// Takes what included user data asks for: what is there already was done.
    pub(super) fn of_included(found: UserData) -> Self {
        let UserData { cloud, scripts, boothooks, includes, places, is_read: _ } = found;
        let mut wishes = Self { cloud, scripts, boothooks, includes, places, is_added: true, ..Self::default() };
        wishes.complaints = wishes.cloud.settle(&wishes.places);
        wishes
    }
}

fn meta_data(name: &str, text: &str, complaints: &mut Vec<String>) -> Option<Meta> {
    let parsed = match Parsed::new(name, text, Language::of("", text)) {
        Ok(parsed) => parsed,
        Err(problems) => {
            complaints.push(problems.to_string());
            return None;
        }
    };
    let json = Some(parsed.to_json());
    let network = network_of_meta(name, &parsed, complaints);
    let parsed = parsed.without("network").without("network.encoding");
    let (document, problems) = parsed.known::<MetaData>(meta::DIALECT, |_| Vec::new());
    complaints.extend(problems.map(|problems| problems.to_string()));
    document.map(|Document { value: data, .. }| Meta { data, network, json })
}

/// The network in meta-data: a table, or text that may be packed.
fn network_of_meta(name: &str, meta: &Parsed, complaints: &mut Vec<String>) -> Option<Network> {
    let inner = meta.inner("network")?;
    let Some(text) = inner.text() else { return network(inner, complaints) };
    let encoding = meta.word("network.encoding").unwrap_or_default();
    let guessed = if encoding.is_empty() && !text.contains(':') { "base64" } else { encoding };
    let name = format!("{name}: network");
    let text = guestinfo::decode_bytes(text, guessed).and_then(|bytes| guestinfo::text_of(&bytes));
    let text = text.map_err(|error| complaints.push(format!("{name}: {error}"))).ok()?;
    let parsed = parsed_network(&name, &text).map_err(|problems| complaints.push(problems.to_string())).ok()?;
    network(parsed, complaints)
}

fn parsed_network(name: &str, text: &str) -> Result<Parsed, Problems> {
    foreign::network(name, text).map_or_else(|| Parsed::new(name, text, Language::of("", text)), Err)
}

/// A network, in either version, with or without `network:` and `config:` around it.
fn network(parsed: Parsed, complaints: &mut Vec<String>) -> Option<Network> {
    complaints.extend(parsed.beside("network", &[]).map(|problems| problems.to_string()));
    let parsed = parsed.unwrapped("network");
    if parsed.word("config") == Some("disabled") {
        return None;
    }
    if NetworkData::is_it(&parsed) {
        let (network, problems) = NetworkData::read(parsed);
        complaints.extend(problems.map(|problems| problems.to_string()));
        return network;
    }
    let is_wrapped = parsed.inner("config").is_some_and(|config| config.items().is_none());
    let parsed = if is_wrapped {
        complaints.extend(parsed.beside("config", &["version"]).map(|problems| problems.to_string()));
        parsed.unwrapped("config")
    } else {
        parsed
    };
    if parsed.word("version") == Some("1") || parsed.inner("config").is_some() {
        return version_1(parsed, complaints);
    }
    let routes = parsed.inner("routes").map(|_| parsed.only("routes"));
    let (document, problems) = parsed.without("routes").known::<Network>(network_dialect(), networkd::complaints);
    complaints.extend(problems.map(|problems| problems.to_string()));
    let mut network = document?.value;
    if let Some(routes) = routes {
        common_routes(routes, &mut network, complaints);
    }
    Some(network)
}

/// Routes of no interface, as Cluster API writes them.
fn common_routes(routes: Parsed, network: &mut Network, complaints: &mut Vec<String>) {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Routes {
        routes: Vec<Route>,
    }
    let check = |Routes { routes }: &Routes| -> Vec<Complaint> {
        routes.iter().enumerate().flat_map(|(index, route)| networkd::route_alone(&format!("routes[{index}]"), route)).collect()
    };
    let (document, problems) = routes.known(network_dialect(), check);
    complaints.extend(problems.map(|problems| problems.to_string()));
    let Some(document) = document else { return };
    for (index, route) in document.value.routes.iter().enumerate() {
        if let Err(reason) = network.add_route(route.clone()) {
            let problem = document.problem(&format!("routes[{index}]"), format!("{reason}: write it below its interface"), None);
            complaints.push(problem.line(&document.name));
        }
    }
}

fn version_1(parsed: Parsed, complaints: &mut Vec<String>) -> Option<Network> {
    let (network, problems) = NetworkV1::read(parsed);
    complaints.extend(problems.map(|problems| problems.to_string()));
    network
}

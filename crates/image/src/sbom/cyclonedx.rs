//! CycloneDX 1.6, as JSON.

use serde_json::{Value, json};

use super::spdx::uuid;
use super::{Bill, CREATED, Component, SUPPLIER};

/// The bill as a CycloneDX document.
pub fn cyclonedx(bill: &Bill) -> Value {
    let purl = |name: &String| bill.components.iter().find(|component| component.name == *name).map(Component::purl);
    let all: Vec<String> = bill.components.iter().map(Component::purl).collect();
    let mut dependencies = vec![json!({ "ref": bill.name, "dependsOn": all })];
    dependencies.extend(bill.components.iter().map(|component| {
        let needs: Vec<String> = component.needs.iter().filter_map(purl).collect();
        json!({ "ref": component.purl(), "dependsOn": needs })
    }));
    let version = bill.version();
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": format!("urn:uuid:{}", uuid(bill)),
        "version": 1,
        "metadata": {
            "timestamp": CREATED,
            "authors": [{ "name": SUPPLIER }],
            "supplier": { "name": SUPPLIER },
            "tools": { "components": [{ "type": "application", "name": "kaon-xtask", "version": version }] },
            "component": {
                "type": "operating-system", "bom-ref": bill.name, "name": bill.name, "version": version, "description": bill.summary,
                "purl": bill.purl(), "supplier": { "name": SUPPLIER },
            },
        },
        "components": bill.components.iter().map(component).collect::<Vec<_>>(),
        "dependencies": dependencies,
    })
}

fn component(component: &Component) -> Value {
    let purl = component.purl();
    let mut references: Vec<Value> = component.homepage.iter().map(|homepage| json!({ "type": "website", "url": homepage })).collect();
    references.extend(component.sources.iter().map(|source| {
        json!({
            "type": "source-distribution", "url": source.uri, "comment": source.name,
            "hashes": [{ "alg": "SHA-256", "content": source.sha256 }],
        })
    }));
    let mut value = json!({
        "type": "library",
        "bom-ref": purl,
        "name": component.name,
        "version": component.version,
        "purl": purl,
        "supplier": { "name": SUPPLIER },
        "externalReferences": references,
    });
    if let Some(license) = &component.license {
        value["licenses"] = json!([{ "expression": license }]);
    }
    if let Some(digest) = &component.digest {
        value["hashes"] = json!([{ "alg": "SHA-256", "content": digest }]);
    }
    value
}

//! Rules of the public JSON schemas and of NTIA's minimum elements: which keys an object must and may have. Covers only what Kaon writes.

use serde_json::Value;

/// An object of a document: its path, with `*` for every item of a list, its required keys, and its optional keys.
pub(super) type Rule = (&'static str, &'static [&'static str], &'static [&'static str]);

/// The JSON schema of SPDX 2.3. It allows no other keys in any object.
pub(super) const SPDX: &[Rule] = &[
    (
        "",
        &["SPDXID", "creationInfo", "dataLicense", "name", "spdxVersion", "documentNamespace"],
        &["packages", "relationships", "hasExtractedLicensingInfos"],
    ),
    ("creationInfo", &["created", "creators"], &["comment", "licenseListVersion"]),
    (
        "packages/*",
        // What NTIA requires beyond the schema: supplier, version and a further identifier.
        &["SPDXID", "downloadLocation", "externalRefs", "name", "supplier", "versionInfo"],
        &[
            "checksums",
            "copyrightText",
            "filesAnalyzed",
            "homepage",
            "licenseConcluded",
            "licenseDeclared",
            "packageFileName",
            "primaryPackagePurpose",
            "summary",
        ],
    ),
    ("hasExtractedLicensingInfos/*", &["extractedText", "licenseId"], &["name"]),
    ("packages/*/checksums/*", &["algorithm", "checksumValue"], &[]),
    ("packages/*/externalRefs/*", &["referenceCategory", "referenceLocator", "referenceType"], &["comment"]),
    ("relationships/*", &["spdxElementId", "relatedSpdxElement", "relationshipType"], &["comment"]),
];

/// The JSON schema of CycloneDX 1.6. It allows no other keys in any of these objects.
pub(super) const CYCLONEDX: &[Rule] = &[
    ("", &["bomFormat", "specVersion"], &["$schema", "serialNumber", "version", "metadata", "components", "dependencies"]),
    ("metadata", &["authors", "component", "supplier", "timestamp"], &["tools"]),
    ("metadata/authors/*", &["name"], &[]),
    ("metadata/supplier", &["name"], &[]),
    ("metadata/component", &["type", "name", "purl", "supplier", "version"], &["bom-ref", "description"]),
    ("metadata/tools/components/*", &["type", "name"], &["version"]),
    ("components/*", &["type", "name", "purl", "supplier", "version"], &["bom-ref", "licenses", "externalReferences", "hashes"]),
    ("components/*/supplier", &["name"], &[]),
    ("components/*/licenses/*", &["expression"], &[]),
    ("components/*/hashes/*", &["alg", "content"], &[]),
    ("components/*/externalReferences/*", &["type", "url"], &["comment", "hashes"]),
    ("components/*/externalReferences/*/hashes/*", &["alg", "content"], &[]),
    ("dependencies/*", &["ref"], &["dependsOn"]),
];

/// The statement of in-toto (v1) and the predicate of SLSA's provenance (v1).
pub(super) const PROVENANCE: &[Rule] = &[
    ("", &["_type", "subject", "predicateType", "predicate"], &[]),
    ("subject/*", &["name", "digest"], &[]),
    ("predicate", &["buildDefinition", "runDetails"], &[]),
    ("predicate/buildDefinition", &["buildType", "externalParameters", "resolvedDependencies"], &["internalParameters"]),
    ("predicate/buildDefinition/resolvedDependencies/*", &["digest"], &["uri", "name"]),
    ("predicate/runDetails", &["builder"], &["metadata", "byproducts"]),
    ("predicate/runDetails/builder", &["id"], &["version", "builderDependencies"]),
];

/// What in `document` violates `rules`; every rule must apply to something.
pub(super) fn faults(document: &Value, rules: &[Rule]) -> Vec<String> {
    let mut faults = Vec::new();
    for (path, required, allowed) in rules {
        let found = at(document, path);
        if found.is_empty() {
            faults.push(format!("nothing at `{path}`"));
        }
        for object in found {
            let Some(object) = object.as_object() else {
                faults.push(format!("`{path}` is not an object"));
                continue;
            };
            faults.extend(required.iter().filter(|key| !object.contains_key(**key)).map(|key| format!("`{path}` lacks `{key}`")));
            let known = |key: &String| required.iter().chain(*allowed).any(|known| known == key);
            faults.extend(object.keys().filter(|key| !known(key)).map(|key| format!("`{path}` has `{key}`")));
            let is_bare = |value: &Value| value.is_null() || value.as_str() == Some("");
            faults.extend(object.iter().filter(|(_, value)| is_bare(value)).map(|(key, _)| format!("`{path}/{key}` is empty")));
        }
    }
    faults
}

fn at<'a>(value: &'a Value, path: &str) -> Vec<&'a Value> {
    path.split('/').filter(|part| !part.is_empty()).fold(vec![value], |values, part| {
        let step = |value: &'a Value| -> Vec<&'a Value> {
            if part == "*" { value.as_array().into_iter().flatten().collect() } else { value.get(part).into_iter().collect() }
        };
        values.into_iter().flat_map(step).collect()
    })
}

//! The bill of materials as CycloneDX 1.6 JSON (ECMA-424; schema: bom-1.6.schema.json). A component's files are its own
//! components; `dependencies` tells what is linked into the device's programs.

use serde_json::{Value, json};

use super::{
    File,
    bill::Bill,
    component::{Component, Kind},
};
use crate::{calendar::rfc3339, image::verity};

/// What the image itself is called in the document.
const IMAGE: &str = "image";

/// The document.
pub fn write(bill: &Bill) -> String {
    let components: Vec<Value> = bill.components.iter().map(|it| component(bill, it)).collect();
    let all: Vec<&str> = bill.components.iter().map(|it| it.purl.as_str()).collect();
    let linked: Vec<&str> = bill.linked().map(|it| it.purl.as_str()).collect();
    let mut dependencies = vec![json!({ "ref": IMAGE, "dependsOn": all })];
    for component in &bill.components {
        let on = if std::ptr::eq(component, bill.project()) { &linked[..] } else { &[] };
        dependencies.push(json!({ "ref": component.purl, "dependsOn": on }));
    }
    let mut parts = Value::Array([components, dependencies].map(Value::Array).into());
    let uuid = verity::content_uuid(parts.to_string().as_bytes());
    let mut document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": format!("urn:uuid:{uuid}"),
        "version": 1,
        "metadata": {
            "timestamp": rfc3339(bill.epoch),
            "tools": { "components": [
                { "type": "application", "name": "dialbox", "version": env!("CARGO_PKG_VERSION") },
            ] },
            "component": {
                "type": "firmware", "bom-ref": IMAGE, "name": bill.name, "version": env!("CARGO_PKG_VERSION"),
                "supplier": { "name": bill.project().supplier },
            },
        },
    });
    // As in `spdx::Document::finish`.
    document["components"] = parts[0].take();
    document["dependencies"] = parts[1].take();
    format!("{document:#}")
}

fn component(bill: &Bill, component: &Component) -> Value {
    let files: Vec<Value> = bill.files_of(component).map(file).collect();
    let mut value = json!({
        "type": match component.kind {
            Kind::Application => "application",
            Kind::Library => "library",
            Kind::Kernel => "operating-system",
            Kind::Site => "data",
        },
        "bom-ref": component.purl,
        "name": component.name,
        "version": component.version,
        "purl": component.purl,
        "supplier": { "name": component.supplier },
    });
    if let Some(sha256) = &component.sha256 {
        value["hashes"] = json!([{ "alg": "SHA-256", "content": sha256 }]);
    }
    let licences = licences(component);
    if !licences.is_empty() {
        value["licenses"] = json!(licences);
    }
    if let Some(source) = &component.source {
        value["properties"] = json!([{ "name": "dialbox:source-package", "value": source }]);
    }
    if !files.is_empty() {
        value["components"] = json!(files);
    }
    value
}

/// An SPDX expression, or what a copyright file calls its licences: without names, the file itself is one.
fn licences(component: &Component) -> Vec<Value> {
    let licence = &component.licence;
    match (&licence.expression, licence.texts.first()) {
        (Some(expression), _) => vec![json!({ "expression": expression })],
        (None, Some(text)) if licence.names.is_empty() => {
            vec![json!({ "license": { "name": format!("licences/{}", text.name) } })]
        }
        (None, _) => licence.names.iter().map(|name| json!({ "license": { "name": name } })).collect(),
    }
}

fn file(file: &File) -> Value {
    let mut properties = vec![json!({ "name": "dialbox:origin", "value": file.origin.to_string() })];
    properties.extend(file.other_owner().map(|owner| json!({ "name": "dialbox:owner", "value": owner })));
    let mut value = json!({
        "type": "file",
        "bom-ref": format!("file:{}", file.name()),
        "name": file.name(),
        "properties": properties,
    });
    if let Some(hashes) = &file.hashes {
        value["hashes"] = json!([
            { "alg": "SHA-1", "content": hashes.sha1 }, { "alg": "SHA-256", "content": hashes.sha256 },
        ]);
    }
    value
}

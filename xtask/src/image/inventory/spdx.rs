//! The bill of materials as SPDX 2.3 JSON (ISO/IEC 5962 and its successor; schema: spdx-spec, v2.3).
//!
//! Two rules come from validators: a package that contains files must be `filesAnalyzed`, with the verification code of
//! §7.9, and names of files are relative (§8.1). A file of which nothing but the name may be said, because the site has a
//! part in it, is a package of the purpose FILE (§7.24), which needs no checksum.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use super::{
    File, Hashes,
    bill::Bill,
    component::{Component, Kind},
};
use crate::{calendar::rfc3339, image::verity, task::hex};

const NONE: &str = "NOASSERTION";

/// The document.
pub fn write(bill: &Bill) -> String {
    let mut document =
        Document { bill, ids: ids(bill), packages: Vec::new(), files: Vec::new(), relations: Vec::new() };
    document.add_image();
    for (component, id) in bill.components.iter().zip(&document.ids.clone()) {
        document.add_component(component, id);
    }
    let texts = bill.components.iter().zip(&document.ids).filter_map(|(it, id)| extracted(it, id)).collect();
    document.finish(texts)
}

/// A document in progress.
struct Document<'a> {
    bill: &'a Bill,
    /// Of the components, in their order.
    ids: Vec<String>,
    packages: Vec<Value>,
    files: Vec<Value>,
    relations: Vec<Value>,
}

const IMAGE: &str = "SPDXRef-Image";

impl Document<'_> {
    fn add_image(&mut self) {
        self.packages.push(json!({
            "SPDXID": IMAGE,
            "name": self.bill.name,
            "versionInfo": env!("CARGO_PKG_VERSION"),
            "supplier": format!("Organization: {}", self.bill.project().supplier),
            "downloadLocation": NONE,
            "filesAnalyzed": false,
            "licenseConcluded": NONE,
            "licenseDeclared": NONE,
            "copyrightText": NONE,
            "primaryPackagePurpose": "FIRMWARE",
        }));
        self.relate("SPDXRef-DOCUMENT", "DESCRIBES", IMAGE);
    }

    fn add_component(&mut self, component: &Component, id: &str) {
        self.relate(IMAGE, "CONTAINS", id);
        let (mut hashes, mut with_site) = (Vec::new(), Vec::new());
        for file in self.bill.files_of(component) {
            match &file.hashes {
                Some(known) => {
                    hashes.push(known.sha1.clone());
                    self.add_file(file, known, id);
                }
                None => with_site.push(file),
            }
        }
        self.packages.push(package(component, id, hashes));
        for file in with_site {
            self.add_unhashed(file, component, id);
        }
        if component.is_linked {
            let project = self.id_of(self.bill.project());
            self.relate(&project, "STATIC_LINK", id);
        }
    }

    fn add_file(&mut self, file: &File, hashes: &Hashes, owner: &str) {
        let id = file_id(file);
        self.files.push(json!({
            "SPDXID": id,
            "fileName": relative(file),
            "checksums": [
                { "algorithm": "SHA1", "checksumValue": hashes.sha1 },
                { "algorithm": "SHA256", "checksumValue": hashes.sha256 },
            ],
            "licenseConcluded": NONE,
            "licenseInfoInFiles": [NONE],
            "copyrightText": NONE,
            "comment": format!("from {}{}", file.origin, owned(file)),
        }));
        self.relate(owner, "CONTAINS", &id);
    }

    fn add_unhashed(&mut self, file: &File, component: &Component, owner: &str) {
        let id = file_id(file);
        self.packages.push(json!({
            "SPDXID": id,
            "name": relative(file),
            "versionInfo": component.version,
            "supplier": format!("Organization: {}", component.supplier),
            "packageFileName": relative(file),
            "downloadLocation": NONE,
            "filesAnalyzed": false,
            "licenseConcluded": NONE,
            "licenseDeclared": NONE,
            "copyrightText": NONE,
            "primaryPackagePurpose": "FILE",
            "comment": format!(
                "from {}{}; it has no hash here, as the site has a part in it",
                file.origin,
                owned(file)
            ),
        }));
        self.relate(owner, "CONTAINS", &id);
    }

    fn relate(&mut self, one: &str, how: &str, other: &str) {
        self.relations.push(json!({
            "spdxElementId": one, "relationshipType": how, "relatedSpdxElement": other,
        }));
    }

    fn id_of(&self, component: &Component) -> String {
        let number = self.bill.components.iter().position(|it| std::ptr::eq(it, component));
        number.map_or_else(String::new, |number| self.ids[number].clone())
    }

    /// The namespace follows from the content: no two documents share one (§6.5), and two builds make the same.
    fn finish(self, texts: Vec<Value>) -> String {
        let Self { bill, packages, files, relations, .. } = self;
        let mut parts = Value::Array([packages, files, relations, texts].map(Value::Array).into());
        let uuid = verity::content_uuid(parts.to_string().as_bytes());
        let mut document = json!({
            "spdxVersion": "SPDX-2.3",
            "dataLicense": "CC0-1.0",
            "SPDXID": "SPDXRef-DOCUMENT",
            "name": bill.name,
            "documentNamespace": format!("urn:uuid:{uuid}"),
            "creationInfo": {
                "created": rfc3339(bill.epoch),
                "creators": [concat!("Tool: dialbox-", env!("CARGO_PKG_VERSION")), "Organization: the dialbox project"],
                "comment": "the time is that of the newest package index of the lock, as all time stamps of the image",
            },
        });
        // Not in the macro, which would copy each of the thousands of values.
        for (at, name) in
            ["packages", "files", "relationships", "hasExtractedLicensingInfos"].iter().enumerate()
        {
            document[name] = parts[at].take();
        }
        // As `to_string_pretty` has it, which can fail for other types than this one.
        format!("{document:#}")
    }
}

fn package(component: &Component, id: &str, hashes: Vec<String>) -> Value {
    let mut package = json!({
        "SPDXID": id,
        "name": component.name,
        "versionInfo": component.version,
        "supplier": format!("Organization: {}", component.supplier),
        "downloadLocation": NONE,
        "filesAnalyzed": !hashes.is_empty(),
        "licenseConcluded": NONE,
        "licenseDeclared": declared(component, id),
        "copyrightText": NONE,
        "primaryPackagePurpose": match component.kind {
            Kind::Application => "APPLICATION",
            Kind::Library => "LIBRARY",
            Kind::Kernel => "OPERATING_SYSTEM",
            Kind::Site => "OTHER",
        },
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": component.purl,
        }],
    });
    if let Some(sha256) = &component.sha256 {
        package["checksums"] = json!([{ "algorithm": "SHA256", "checksumValue": sha256 }]);
    }
    if let Some(source) = &component.source {
        package["sourceInfo"] = json!(format!("built from the Debian source package {source}"));
    }
    if !hashes.is_empty() {
        package["packageVerificationCode"] =
            json!({ "packageVerificationCodeValue": verification_code(hashes) });
    }
    package
}

/// SPDX 2.3 §7.9: the SHA-1 of the sorted SHA-1s of the files.
fn verification_code(mut hashes: Vec<String>) -> String {
    hashes.sort_unstable();
    hex(&Sha1::digest(hashes.concat().as_bytes()))
}

fn declared(component: &Component, id: &str) -> String {
    match &component.licence {
        licence if licence.expression.is_some() => licence.expression.clone().unwrap_or_default(),
        licence if licence.texts.is_empty() => NONE.to_owned(),
        _ => licence_id(id),
    }
}

/// The names that Debian's copyright files use for licences are not SPDX's, and a third of them is free text: each file
/// is a licence of its own, with its whole text.
fn extracted(component: &Component, id: &str) -> Option<Value> {
    let licence = &component.licence;
    if licence.expression.is_some() {
        return None;
    }
    let text = licence.texts.first()?;
    let mut info = json!({
        "licenseId": licence_id(id),
        "name": format!("the copyright file of Debian's {} {}", component.name, component.version),
        "extractedText": text.text,
    });
    if !licence.names.is_empty() {
        info["comment"] = json!(format!("it names {}", licence.names.join(", ")));
    }
    Some(info)
}

fn licence_id(id: &str) -> String {
    id.replace("SPDXRef-", "LicenseRef-")
}

/// `SPDXRef-deb-libstdc-6`: letters, digits, `.` and `-` (§3.2). Names that become equal are numbered.
fn ids(bill: &Bill) -> Vec<String> {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let id = |component: &Component| {
        let kind = component.purl.split(['/', ':']).nth(1).unwrap_or_default();
        let id = format!("SPDXRef-{kind}-{}", plain(&component.name));
        let count = seen.entry(id.clone()).or_default();
        *count += 1;
        if *count == 1 { id } else { format!("{id}-{count}") }
    };
    bill.components.iter().map(id).collect()
}

fn owned(file: &File) -> String {
    file.other_owner().map_or_else(String::new, |owner| format!("; it belongs to {owner}"))
}

/// With the beginning of a hash, as `a_b` and `a-b` become equal.
fn file_id(file: &File) -> String {
    let name = file.name();
    let hash = crate::task::digest(name.as_bytes());
    format!("SPDXRef-File-{}-{}", plain(name.trim_start_matches('/')), &hash[..8])
}

fn plain(text: &str) -> String {
    let plain = |it: char| if it.is_ascii_alphanumeric() || it == '.' { it } else { '-' };
    text.chars().map(plain).collect()
}

fn relative(file: &File) -> String {
    format!("./{}{}", file.place.as_str(), file.path)
}

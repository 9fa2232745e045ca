//! What `build-image` says of the content of an image: lists, bills of materials, licences.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    thread,
};

use insta::assert_snapshot;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::checkout::Checkout;

fn built() -> Checkout {
    let checkout = Checkout::new();
    checkout.succeeds(checkout.build_image_offline());
    checkout
}

fn text(checkout: &Checkout, file: &str) -> String {
    fs::read_to_string(checkout.path("out").join(file)).unwrap()
}

fn json(checkout: &Checkout, file: &str) -> Value {
    serde_json::from_str(&text(checkout, file)).unwrap()
}

/// The strings at `key` of all of an array's objects.
fn all<'a>(array: &'a Value, key: &str) -> Vec<&'a str> {
    array.as_array().unwrap().iter().map(|it| it[key].as_str().unwrap()).collect()
}

/// The paths in the list of files, without its header.
fn listed(checkout: &Checkout) -> BTreeSet<String> {
    let list = text(checkout, "small.files.tsv");
    list.lines().skip(1).map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

/// How SPDX writes a path of the list.
fn relative(path: &str) -> String {
    match path.split_once(":/") {
        Some((place, path)) => format!("./{place}/{path}"),
        None => format!("./root{path}"),
    }
}

/// Required by SPDX 2.3: §6, §7, §8 and §11, and by the JSON schema.
#[test]
fn the_spdx_document_has_each_file_once_and_relates_only_what_it_has() {
    let checkout = built();
    let document = json(&checkout, "small.spdx.json");
    for (key, value) in [
        ("spdxVersion", "SPDX-2.3"),
        ("dataLicense", "CC0-1.0"),
        ("SPDXID", "SPDXRef-DOCUMENT"),
        ("name", "small"),
    ] {
        assert_eq!(document[key], value, "{key}");
    }
    assert_eq!(document["creationInfo"]["created"], "2023-11-14T22:13:20Z", "the epoch of the lock");
    assert!(document["documentNamespace"].as_str().unwrap().starts_with("urn:uuid:"));
    let (packages, files) = (&document["packages"], &document["files"]);
    let mut ids = vec!["SPDXRef-DOCUMENT"];
    ids.extend(all(packages, "SPDXID"));
    ids.extend(all(files, "SPDXID"));
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(unique.len(), ids.len(), "an id occurs twice");
    let is_allowed = |it: char| it.is_ascii_alphanumeric() || it == '.' || it == '-';
    assert!(ids.iter().all(|it| it.strip_prefix("SPDXRef-").unwrap().chars().all(is_allowed)), "{ids:?}");

    let named = packages.as_array().unwrap().iter().filter_map(|it| it["packageFileName"].as_str());
    let named: BTreeSet<&str> = all(files, "fileName").into_iter().chain(named).collect();
    let expected: BTreeSet<String> = listed(&checkout).iter().map(|path| relative(path)).collect();
    assert_eq!(named, expected.iter().map(String::as_str).collect());
    for file in files.as_array().unwrap() {
        let algorithms = all(&file["checksums"], "algorithm");
        assert_eq!(algorithms, ["SHA1", "SHA256"], "{file}");
    }

    let relations = document["relationships"].as_array().unwrap();
    let mut owners: BTreeMap<&str, u32> = BTreeMap::new();
    for relation in relations {
        let [one, other] = ["spdxElementId", "relatedSpdxElement"].map(|key| relation[key].as_str().unwrap());
        assert!(unique.contains(one) && unique.contains(other), "{relation}");
        if relation["relationshipType"] == "CONTAINS" {
            *owners.entry(other).or_default() += 1;
        }
    }
    for id in ids.iter().filter(|it| !["SPDXRef-DOCUMENT", "SPDXRef-Image"].contains(it)) {
        assert_eq!(owners.get(id), Some(&1), "{id} belongs to one package");
    }
    // A package that contains files must have been analysed, and says so with a code (§7.9).
    for package in packages.as_array().unwrap() {
        assert_eq!(
            package["filesAnalyzed"] == true,
            package["packageVerificationCode"].is_object(),
            "{package}"
        );
        for key in ["versionInfo", "supplier", "downloadLocation", "licenseConcluded", "licenseDeclared"] {
            assert!(package[key].is_string(), "{key} of {package}");
        }
        let licence = package["licenseDeclared"].as_str().unwrap();
        let texts = all(&document["hasExtractedLicensingInfos"], "licenseId");
        assert!(!licence.starts_with("LicenseRef-") || texts.contains(&licence), "{licence} has no text");
    }
}

/// Required by bom-1.6.schema.json.
#[test]
fn the_cyclonedx_document_has_each_file_once_and_refers_only_to_what_it_has() {
    let checkout = built();
    let document = json(&checkout, "small.cdx.json");
    assert_eq!((&document["bomFormat"], &document["specVersion"]), (&"CycloneDX".into(), &"1.6".into()));
    let components = document["components"].as_array().unwrap();
    let mut references = vec![document["metadata"]["component"]["bom-ref"].as_str().unwrap()];
    let mut files = BTreeSet::new();
    for component in components {
        references.push(component["bom-ref"].as_str().unwrap());
        assert!(component["purl"].as_str().unwrap().starts_with("pkg:"), "{component}");
        for file in component["components"].as_array().into_iter().flatten() {
            assert_eq!(file["type"], "file");
            references.push(file["bom-ref"].as_str().unwrap());
            assert!(files.insert(file["name"].as_str().unwrap().to_owned()), "{file} occurs twice");
        }
    }
    assert_eq!(files, listed(&checkout));
    let unique: BTreeSet<&str> = references.iter().copied().collect();
    assert_eq!(unique.len(), references.len(), "a reference occurs twice");
    for dependency in document["dependencies"].as_array().unwrap() {
        let on = dependency["dependsOn"].as_array().unwrap().iter();
        assert!(
            on.chain([&dependency["ref"]]).all(|it| unique.contains(it.as_str().unwrap())),
            "{dependency}"
        );
    }
}

#[test]
fn packages_have_their_urls_and_hashes() {
    let checkout = built();
    let document = json(&checkout, "small.cdx.json");
    let components = document["components"].as_array().unwrap();
    let busybox = components.iter().find(|it| it["name"] == "busybox").unwrap();
    assert_eq!(busybox["purl"], "pkg:deb/debian/busybox@1?arch=armel&distro=bookworm");
    let lock = fs::read_to_string(checkout.path("image/packages.lock")).unwrap();
    let hash = busybox["hashes"][0]["content"].as_str().unwrap();
    assert!(lock.contains(&format!("sha256 = \"{hash}\"")), "{hash}");
    assert_eq!(busybox["licenses"][0]["license"]["name"], "GPL-2");
    let linked = components.iter().find(|it| it["name"] == "rust-src").unwrap();
    assert!(linked["components"].is_null(), "what is linked into the programs has no files of its own");
}

/// A PIN has four digits: its hash tells it.
#[test]
fn the_bills_of_materials_say_nothing_of_what_is_in_a_site() {
    let checkout = Checkout::new();
    let bills = |password: &str| {
        let site = fs::read_to_string(checkout.path("image/sites/dialer.toml")).unwrap();
        checkout
            .write("site.toml", site.replace("password = \"free\"", &format!("password = \"{password}\"")));
        let mut build = checkout.build_image_offline();
        build.args(["--site", "site.toml"]);
        checkout.succeeds(build);
        let image = fs::read(checkout.path("out/small.img")).unwrap();
        (image, text(&checkout, "small.spdx.json"), text(&checkout, "small.cdx.json"))
    };
    let (one, other) = (bills("abcd"), bills("efgh"));
    assert!(one.0 != other.0);
    assert_eq!((&one.1, &one.2), (&other.1, &other.2));
    for bill in [&one.1, &one.2] {
        assert!(bill.contains("/etc/dialbox/site.toml") && !bill.contains("abcd"));
    }
}

#[test]
fn another_checkout_makes_the_same_documents() {
    let (one, other) = (built(), built());
    for file in ["small.spdx.json", "small.cdx.json", "small.files.tsv", "licences/licences.tsv"] {
        assert_eq!(text(&one, file), text(&other, file), "{file}");
    }
}

#[test]
fn every_package_has_its_copyright_file_among_the_licences() {
    let checkout = built();
    assert_snapshot!(text(&checkout, "licences/licences.tsv"), @r"
    component	version	licences	texts	source
    busybox	1	GPL-2	busybox.copyright	busybox 1
    linux-image	1	free text	linux-image.copyright	linux-image 1
    rust-src	1	free text	rust-src.copyright	rust-src 1
    dialbox	0.1.0	MIT OR Apache-2.0		-
    ");
    assert_eq!(text(&checkout, "licences/linux-image.copyright"), "This is Linux.");
    // Of a package that is no longer in the image nothing remains; what no build has made is the user's.
    checkout.write("out/licences/gone.copyright", "");
    checkout.write("out/licences/mine", "");
    checkout.write("outside", "");
    let sums = text(&checkout, "SHA256SUMS");
    checkout.write(
        "out/SHA256SUMS",
        sums + "0  licences/gone.copyright\n0  licences/../../outside\n0  ../outside\n",
    );
    checkout.edit("overlay/etc/inittab", "true", "false");
    checkout.succeeds(checkout.build_image_offline());
    assert!(!checkout.path("out/licences/gone.copyright").exists());
    assert!(checkout.path("out/licences/mine").exists() && checkout.path("outside").exists());
}

#[test]
fn a_package_without_a_copyright_file() {
    let mut checkout = Checkout::new();
    let modules: (&str, &[u8]) = ("/lib/modules/6.1.0/modules.builtin", b"");
    checkout.package("linux-image", &[("/boot/vmlinuz", b"kernel"), modules]);
    assert_snapshot!(checkout.error(), @r"
    error: the copyright file of package busybox is not there
      no locked package has /usr/share/doc/busybox/copyright
      Debian Policy asks for it in every package (§12.5)
    ");
}

#[test]
fn sources_that_no_lock_names() {
    let checkout = Checkout::new();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["sources", "--out", "sources"]);
    assert_snapshot!(checkout.refuses(checkout.xtask(command)), @r"
    error: there is no image/sources.lock
      next: cargo xtask lock
    ");
    checkout.write("image/sources.lock", "");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["sources", "--dry-run", "--out", "sources"]);
    assert_snapshot!(checkout.refuses(checkout.xtask(command)), @r"
    error: image/sources.lock does not fit image/packages.lock
      busybox 1 is missing
      linux-image 1 is missing
      rust-src 1 is missing
      next: cargo xtask lock
    ");
}

/// A mirror that has these files, and answers 404 for all others. Returns its address.
fn mirror(files: BTreeMap<String, Vec<u8>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let lines = BufReader::new(connection.try_clone().unwrap()).lines();
            let request: Vec<String> = lines.map_while(Result::ok).take_while(|it| !it.is_empty()).collect();
            let (status, body) = match files.get(request[0].split(' ').nth(1).unwrap()) {
                Some(body) => ("200 OK", &body[..]),
                None => ("404 Not Found", &b""[..]),
            };
            let head =
                format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
            // A client that has enough may be gone.
            let _ = connection.write_all(head.as_bytes()).and_then(|()| connection.write_all(body));
        }
    });
    url
}

#[test]
fn sources_are_fetched_checked_and_kept_and_one_that_is_missing_does_not_keep_the_others_out() {
    let checkout = Checkout::new();
    let digest =
        |text: &str| Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let source = |name: &str| {
        let dsc = format!("{name} dsc");
        format!(
            "[[source]]\nname = \"{name}\"\nversion = \"1\"\ndirectory = \"pool/{name}\"\n\
             [[source.file]]\nname = \"{name}_1.dsc\"\nsize = {}\nsha256 = \"{}\"\n",
            dsc.len(),
            digest(&dsc)
        )
    };
    let names = ["busybox", "linux-image", "rust-src"];
    checkout.write("image/sources.lock", names.map(source).concat());
    let run = |has: &[&str]| {
        let file = |name: &&str| (format!("/pool/{name}/{name}_1.dsc"), format!("{name} dsc").into_bytes());
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(["sources", "--out", "sources", "--mirror", &mirror(has.iter().map(file).collect())]);
        checkout.xtask(command)
    };
    let error = checkout.refuses(run(&["busybox", "rust-src"]));
    assert!(
        error.contains("no mirror has linux-image_1.dsc") && error.contains("image/sources.lock:"),
        "{error}"
    );
    assert!(error.contains("1 of 3 source packages are not complete\n  linux-image 1"), "{error}");
    let there =
        |name: &str| fs::read_to_string(checkout.path(&format!("sources/{name}_1/{name}_1.dsc"))).ok();
    assert_eq!(names.map(|it| there(it).is_some()), [true, false, true]);
    // What is there already is not asked for again.
    checkout.succeeds(run(&["linux-image"]));
    assert_eq!(names.map(|it| there(it).unwrap()), names.map(|it| format!("{it} dsc")));
    assert!(!checkout.path("sources/.partial").exists());
}

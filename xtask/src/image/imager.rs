//! The manifest by which Raspberry Pi Imager writes an image: a repository of one entry.
//!
//! Format: raspberrypi/rpi-imager, doc/json-schema/os-list-schema.json. What Imager makes of it is in src/oslistmodel.cpp
//! (the entries), src/hwlistmodel.cpp (the devices) and src/imagewriter.cpp (`setSrc`, `startWrite`).

use std::path::Path;

use dialbox::calendar::Civil;
use serde_json::json;

/// What the manifest says of an image.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// The host name of its site.
    pub hostname: &'a str,
    /// The role of its site.
    pub role: &'a str,
    /// Where Imager finds the compressed image: a URL with a scheme, since Imager resolves no relative one.
    pub url: &'a str,
    /// Bytes of the image.
    pub size: u64,
    /// Its SHA-256. Imager does not write the first block of an image with another one.
    pub sha256: &'a str,
    /// Bytes of the compressed image.
    pub compressed_size: u64,
    /// Its SHA-256.
    pub compressed_sha256: &'a str,
    /// Seconds since 1970: the date that Imager shows.
    pub epoch: u64,
}

/// Raspberry Pi's own list of devices gives this tag to the Pi 1 and the Zero, and no other one to either.
const TAG: &str = "pi1-32bit";

/// The boards, as Imager's first question names them. Without this list a repository has no devices to choose from.
const DEVICES: [(&str, &str); 2] = [
    ("Raspberry Pi 1", "Models A, A+, B, B+, and the Compute Module 1"),
    ("Raspberry Pi Zero", "Zero and Zero W, not the Zero 2 W"),
];

/// The end of a manifest's name, by which Imager knows it. A manifest names the place of its image, so it is another one in
/// each directory.
pub const SUFFIX: &str = ".rpi-imager-manifest";

/// The manifest.
pub fn manifest(entry: &Entry<'_>) -> String {
    let devices = DEVICES.map(|(name, description)| {
        json!({
            "name": name,
            "description": description,
            "tags": [TAG],
            "matching_type": "exclusive",
            "architecture": "armel",
            "capabilities": [],
        })
    });
    let Civil { year, month, day, .. } = Civil::from_unix(i64::try_from(entry.epoch).unwrap_or(i64::MAX));
    let image = json!({
        "name": format!("dialbox: {}", entry.hostname),
        "description": format!("A box reached by telephone, with the role {}", entry.role),
        "icon": "",
        "url": entry.url,
        "extract_size": entry.size,
        "extract_sha256": entry.sha256,
        "image_download_size": entry.compressed_size,
        "image_download_sha256": entry.compressed_sha256,
        "release_date": format!("{year:04}-{month:02}-{day:02}"),
        // Imager's customisation writes files that only Raspberry Pi OS obeys; with "none" it does not offer it.
        "init_format": "none",
        "devices": [TAG],
        "architecture": "armel",
    });
    format!("{}\n", json!({ "imager": { "devices": devices }, "os_list": [image] }))
}

/// The URL of a file, by its absolute path (RFC 8089, RFC 3986 §2.1).
pub fn file_url(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let bytes = path.as_os_str().as_bytes().iter();
    let escaped = bytes.map(|byte| match is_plain(*byte) {
        true => char::from(*byte).to_string(),
        false => format!("%{byte:02X}"),
    });
    format!("file://{}", escaped.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_has_all_that_imagers_schema_requires() {
        let entry = Entry {
            hostname: "cabin",
            role: "dialer",
            url: "file:///out/a.img.gz",
            size: 62_914_560,
            sha256: "aa",
            compressed_size: 11_549_945,
            compressed_sha256: "bb",
            epoch: 1_783_728_000,
        };
        let manifest = manifest(&entry);
        let (_, image) = manifest.split_once("\"os_list\":").unwrap();
        // `required` of "Operating system entry".
        for key in ["name", "description", "icon", "url", "extract_sha256", "release_date"] {
            assert!(image.contains(&format!("\"{key}\":\"")), "{key} is no string: {image}");
        }
        for (key, value) in [
            ("extract_size", "62914560"),
            ("image_download_size", "11549945"),
            ("devices", "[\"pi1-32bit\"]"),
            ("release_date", "\"2026-07-11\""),
            ("init_format", "\"none\""),
        ] {
            assert!(image.contains(&format!("\"{key}\":{value}")), "{key} is not {value}: {image}");
        }
        let read: serde_json::Value = serde_json::from_str(&manifest).unwrap();
        assert_eq!(read["imager"]["devices"][0]["name"], "Raspberry Pi 1");
    }

    #[test]
    fn a_path_is_escaped_in_its_url() {
        assert_eq!(file_url(Path::new("/srv/my out/a#1.img.gz")), "file:///srv/my%20out/a%231.img.gz");
        assert_eq!(file_url(Path::new("/é%")), "file:///%C3%A9%25");
    }
}

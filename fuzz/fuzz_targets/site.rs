//! Any `site.toml`: an error never contains a terminal's control characters. The files of a valid site have paths
//! within the box and no control characters, and the same paths without their secrets.
#![no_main]

use std::collections::BTreeSet;

use dialbox::site::Site;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let site = match Site::parse(text) {
        Ok(site) => site,
        Err(error) => return assert!(is_plain(&error.to_string()), "{error:?}"),
    };
    assert!(is_plain(&site.summary()));
    let files = site.render();
    for file in &files {
        assert!(file.path.starts_with("/etc/") && !file.path.split('/').any(|part| part == ".."), "{file:?}");
        assert!(matches!(file.mode, 0o600 | 0o644 | 0o755), "{file:?}");
        assert!(is_plain(&file.content) && file.content.ends_with('\n'), "{file:?}");
    }
    let paths: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths.len(), files.len(), "two files of the same path");
    let masked = site.masked().render();
    assert!(masked.iter().map(|file| &file.path).eq(files.iter().map(|file| &file.path)));
    for (file, masked) in files.iter().zip(&masked) {
        assert!(
            file.mode == 0o600 || file.content == masked.content,
            "a secret in {file:?}, for all to read"
        );
    }
});

fn is_plain(text: &str) -> bool {
    !text.contains(|c: char| c.is_control() && c != '\n' && c != '\t')
}

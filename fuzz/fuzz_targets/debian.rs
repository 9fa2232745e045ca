//! Any `Packages` and `Release` files from a mirror: the order of versions is an order, a field's names are words of
//! the field, an index returns only what it contains, and a release of one suite is never accepted for another.
#![no_main]

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use libfuzzer_sys::fuzz_target;
use xtask::{
    debian::{control, index, relation, release, release::Age},
    version,
};

fuzz_target!(|text: &str| {
    versions(text);
    for paragraph in control::paragraphs(text) {
        let depends = paragraph.get("Depends").unwrap_or_default();
        let names = relation::parse(depends);
        assert!(names.iter().flatten().all(|name| !name.is_empty() && depends.contains(name)));
        assert!(names.iter().all(|alternatives| !alternatives.is_empty()));
        assert!(!names.iter().flatten().any(|name| name.contains(char::is_whitespace)));
    }
    let mut index = index::Index::default();
    if index.add(text).is_ok() {
        for name in control::paragraphs(text).filter_map(|paragraph| paragraph.get("Package")) {
            let versions = index.versions(name);
            assert!(versions.iter().all(|entry| entry.name == name && text.contains(&entry.path)));
            let is_sorted =
                |pair: &[&index::Entry]| version::compare(&pair[0].version, &pair[1].version).is_ge();
            assert!(versions.windows(2).all(is_sorted), "the newest version comes first");
        }
    }
    if let Ok(release) = release::Release::parse(text) {
        let date = UNIX_EPOCH + Duration::from_secs(release.date);
        assert_eq!(httpdate::parse_http_date(&httpdate::fmt_http_date(date)).ok(), Some(date));
        let check = |suite: &str, age| release.check(suite, release.date, &age).is_ok();
        assert!(!check("no such suite", Age::Any) || text.contains("no such suite"));
        for suite in control::paragraphs(text).filter_map(|paragraph| paragraph.get("Suite")) {
            let newer_lock = BTreeMap::from([(suite.to_owned(), release.date.saturating_add(1))]);
            assert!(release.date == u64::MAX || !check(suite, Age::NotOlderThan(newer_lock)));
            let same_lock = BTreeMap::from([(suite.to_owned(), release.date)]);
            assert!(!check(suite, Age::NotOlderThan(same_lock)) || check(suite, Age::Any));
        }
    }
});

/// The first three words are versions: their order is total, and equal ones are interchangeable.
fn versions(text: &str) {
    let mut words = text.split_whitespace();
    let (Some(a), Some(b), Some(c)) = (words.next(), words.next(), words.next()) else { return };
    let (ab, bc, ac) = (version::compare(a, b), version::compare(b, c), version::compare(a, c));
    assert_eq!(version::compare(a, a), Ordering::Equal);
    assert_eq!(version::compare(b, a), ab.reverse());
    match (ab, bc) {
        (Ordering::Equal, _) => assert_eq!(ac, bc),
        (_, Ordering::Equal) => assert_eq!(ac, ab),
        (ab, bc) if ab == bc => assert_eq!(ac, ab),
        _ => {}
    }
}

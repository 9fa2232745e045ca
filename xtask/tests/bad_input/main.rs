//! Bad input: each case gives one clear error and leaves no partial file.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod bundle;
mod cache;
mod caller;
mod cards;
mod checkout;
mod dialogue;
mod environment;
mod examples;
mod files;
mod flash;
mod gone;
mod inspect;
mod inventory;
mod layers;
mod lock;
mod manifest;
mod modes;
mod modules;
mod overlay;
mod package;
mod packages;
mod provision;
mod shared_cache;
mod stopped;
mod terminal;

use std::fs;

use checkout::Checkout;

/// Without this, the other tests could pass for a wrong reason.
#[test]
fn the_unmodified_checkout_builds() {
    let checkout = Checkout::new();
    let first = checkout.succeeds(checkout.build_image_offline());
    assert!(first.contains("out/small.img is ready"), "{first}");
    let sums = fs::read_to_string(checkout.path("out/SHA256SUMS")).unwrap();
    let mut promised: Vec<String> = sums.lines().map(str::to_owned).collect();
    promised.sort_by_key(|line| line[64..].to_owned());
    let mut found = checkout.out();
    found.sort();
    let found = found.into_iter().filter(|(name, _)| name != "SHA256SUMS");
    assert_eq!(found.map(|(name, hash)| format!("{hash}  {name}")).collect::<Vec<_>>(), promised);
    assert!(sums.contains("  small.img\n"), "{sums}");
    let manifest = fs::read_to_string(checkout.path("out/small.rpi-imager-manifest")).unwrap();
    assert!(manifest.contains("/out/small.img.gz"), "{manifest}");
    let again = checkout.succeeds(checkout.build_image_offline());
    assert!(again.contains("out/small.img is up to date"), "{again}");
}

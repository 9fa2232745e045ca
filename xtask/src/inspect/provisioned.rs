//! The copies of the site beside root A, on a card that `provision` has made.

use std::{ops::Range, sync::Arc};

use dialbox::card::{
    layout::Extent,
    provisioned::{COPY, Found, decode, encode, places},
};

use super::region::Region;

/// What [`Card::nodes`](super::card::Card::nodes) calls it.
pub const NAME: &str = "provisioned:/site.toml";

/// What lies there.
#[derive(Default)]
pub struct Provisioned {
    /// The text, if one copy is whole.
    pub site: Option<Arc<[u8]>>,
    /// Both copies, in bytes of the image. What no copy was made of belongs to nothing.
    pub regions: Vec<(Range<usize>, Region)>,
}

/// Reads it; what is wrong with the copies is a fault.
pub fn read(image: &[u8], root_a: Extent, faults: &mut Vec<(Region, String)>) -> Provisioned {
    let Some(places) = places(root_a) else { return Provisioned::default() };
    let copies = places.map(|at| image.get(at as usize..at as usize + COPY));
    let site = match decode(copies) {
        Found::Nothing => return Provisioned::default(),
        Found::Damaged => {
            faults.push((Region::ProvisionedSite, "both copies of the provisioned site are damaged".into()));
            return Provisioned::default();
        }
        Found::Site(site) => site,
    };
    let whole = encode(&site).unwrap_or_default();
    let is_whole = |copy: &Option<&[u8]>| copy.is_some_and(|copy| copy.starts_with(&whole));
    if !copies.iter().all(is_whole) {
        faults.push((Region::ProvisionedSite, "a copy of the provisioned site is damaged".into()));
    }
    let region = |at: u64| (at as usize..at as usize + whole.len(), Region::ProvisionedSite);
    Provisioned { site: Some(Arc::from(site.into_bytes())), regions: places.map(region).into() }
}

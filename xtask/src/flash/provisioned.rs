//! What a card says of the site that it was provisioned with, and whether that is the one which it should have.

use std::fmt;

use dialbox::{
    card::provisioned::{AREA, COPY, Found, decode, encode},
    site::Site,
};

/// What is wrong with the provisioned site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// One of the two copies is damaged: the other one is in force.
    OneCopy,
    /// Both are: the site that is baked into the image is in force.
    BothCopies,
    /// The card has a site for this box, and what it is compared with has another one: for that box.
    Other(String, String),
    /// The card was not provisioned; what it is compared with was, for this box.
    Missing(String),
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OneCopy => f.write_str("one of the two copies of the provisioned site is damaged"),
            Self::BothCopies => f.write_str("both copies of the provisioned site are damaged"),
            Self::Other(card, image) if card == image => {
                write!(f, "it was provisioned for {card}, but with another site")
            }
            Self::Other(card, image) => write!(f, "it was provisioned for {card}, not for {image}"),
            Self::Missing(image) => write!(f, "it was not provisioned for {image}, nor for another box"),
        }
    }
}

/// The two copies of the site beside root A.
#[derive(Debug, Default)]
pub struct Copies {
    /// The text, if one of them is whole.
    pub site: Option<String>,
    /// What is wrong with them.
    pub damage: Option<Wrong>,
}

impl Copies {
    /// Reads them in the last bytes of a root partition.
    pub fn read(root: &[u8]) -> Self {
        let Some(area) = root.len().checked_sub(AREA as usize).map(|at| &root[at..]) else {
            return Self::default();
        };
        let (one, other) = area.split_at(COPY);
        match decode([Some(one), Some(other)]) {
            Found::Nothing => Self::default(),
            Found::Damaged => Self { site: None, damage: Some(Wrong::BothCopies) },
            Found::Site(site) => {
                let whole = encode(&site).unwrap_or_default();
                let is_damaged = [one, other].iter().any(|copy| !copy.starts_with(&whole));
                Self { site: Some(site), damage: is_damaged.then_some(Wrong::OneCopy) }
            }
        }
    }

    /// For which box they are.
    pub fn name(&self) -> Option<String> {
        self.site.as_deref().map(name)
    }

    /// What is wrong, if they must be those of an image that was provisioned itself.
    pub fn compared_with(&self, image: &Self) -> Option<Wrong> {
        match (&self.site, &image.site) {
            (Some(card), Some(image)) if card != image => Some(Wrong::Other(name(card), name(image))),
            (None, Some(image)) if self.damage.is_none() => Some(Wrong::Missing(name(image))),
            _ => None,
        }
    }
}

/// The host name of a site.
fn name(site: &str) -> String {
    let unknown = |_| "a box whose site this version cannot read".to_owned();
    Site::parse(site).map_or_else(unknown, |site| site.hostname.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The end of a root partition with this site.
    fn root(site: &str) -> Vec<u8> {
        let mut copy = encode(site).unwrap();
        copy.resize(COPY, 0);
        [&[7; 4096][..], &copy, &copy].concat()
    }

    #[test]
    fn copies_that_are_not_whole_are_damaged_and_zeros_are_no_copies() {
        let whole = root("hostname = 'a'");
        let damage = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut root = whole.clone();
            change(&mut root);
            let copies = Copies::read(&root);
            (copies.site.is_some(), copies.damage)
        };
        assert_eq!(damage(&|_| ()), (true, None));
        assert_eq!(damage(&|root| root[4096 + 20] ^= 1), (true, Some(Wrong::OneCopy)));
        assert_eq!(damage(&|root| root[4096 + COPY..][..9].fill(0)), (true, Some(Wrong::OneCopy)));
        let both = |root: &mut Vec<u8>| [20, COPY + 20].iter().for_each(|at| root[4096 + at] ^= 1);
        assert_eq!(damage(&both), (false, Some(Wrong::BothCopies)));
        assert_eq!(damage(&|root| root[4096..].fill(0)), (false, None));
        assert_eq!(damage(&|root| root.truncate(100)), (false, None));
    }
}

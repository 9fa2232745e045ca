//! What the builder writes onto the card and the box checks and heals there.
//!
//! Pure, blocks in, judgements out: [`verity`] is the kernel's and veritysetup's format of a verified root, [`tree`]
//! its hashes, [`composition`] a root from the good blocks of several copies, [`layout`] the record that the box
//! trusts, [`boot_manifest`] the hashes of the boot files, [`provisioned`] the site that the card was made for, [`fat`]
//! the places of those, [`twin`] the mark of a complete second root, [`heal`] and [`schedule`] what is done when,
//! [`answer`] what is done about an error of the running root, [`history`] what is remembered of all that. [`scrub`]
//! does it, by [`pair`], [`replica`] and [`device`].

#[cfg(feature = "services")]
pub mod answer;
pub mod boot_manifest;
pub mod composition;
pub mod device;
pub mod fat;
pub mod heal;
pub mod history;
pub mod kernel_log;
pub mod layout;
pub mod outcome;
pub mod pair;
pub mod provisioned;
pub mod replica;
pub mod schedule;
pub mod scrub;
pub mod tree;
pub mod twin;
pub mod verity;

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// Bytes that are hashed, read and written at a time: a page, and a block of the file systems.
pub const BLOCK: usize = 4096;

/// A block of the card.
pub type Block = [u8; BLOCK];

/// A SHA-256, or another 32 bytes that are written as one: 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The SHA-256 of these parts, one behind the other.
    pub fn of(parts: &[&[u8]]) -> Self {
        let digest = parts.iter().fold(Sha256::new(), |hasher, part| hasher.chain_update(part));
        Self(digest.finalize().into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

/// It is not written as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

impl FromStr for Hash {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        read_hex(text).map(Self).ok_or(Malformed)
    }
}

fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// Exactly `N` bytes; `None` if the text is anything but their digits.
fn read_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_as_it_is_written_and_nothing_else_is() {
        // FIPS 180-2, B.1
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let hash = Hash::of(&[b"a", b"bc"]);
        assert_eq!(hash.to_string(), text);
        assert_eq!(text.parse(), Ok(hash));
        for wrong in
            ["", "ba", &text[1..], &text.replace('f', "g"), &format!("{text}0"), &text.replace("ba", "+a")]
        {
            assert_eq!(wrong.parse::<Hash>(), Err(Malformed), "{wrong}");
        }
    }
}

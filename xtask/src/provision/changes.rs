//! The blocks in which a card differs from its base image, and the file that holds them.

use std::collections::BTreeMap;

use dialbox::record::Record;

use crate::{flash::BLOCK, task::digest};

/// Blocks by their place in the image, in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Each has [`BLOCK`] bytes.
    pub blocks: BTreeMap<u64, Vec<u8>>,
}

const FORMAT: &str = "dialbox-blocks";
const VERSION: &str = "1";
const BASE: &str = "base";
const BLOCKS: &str = "blocks";
const SHA256: &str = "sha256";

impl Changes {
    /// A file of them, for a card that is made from this base: one block of `key=value` lines, filled up with zeros, and
    /// the blocks in the order of `blocks`, whose numbers count blocks of 4096 bytes. `sha256` is of the blocks.
    pub fn encode(&self, base: &str) -> Vec<u8> {
        let content: Vec<u8> = self.blocks.values().flatten().copied().collect();
        let numbers: Vec<String> = self.blocks.keys().map(|at| (at / BLOCK as u64).to_string()).collect();
        let record = Record::new()
            .with(FORMAT, VERSION)
            .with(BASE, base)
            .with(BLOCKS, numbers.join(","))
            .with(SHA256, digest(&content));
        let mut file = record.to_string().into_bytes();
        // A card has room for 50 blocks of a site at most, whose numbers have 10 digits.
        file.resize(file.len().next_multiple_of(BLOCK), 0);
        file.extend_from_slice(&content);
        file
    }

    /// Reads such a file; returns the blocks and the base that they belong to. The error says what is wrong.
    pub fn decode(file: &[u8]) -> Result<(Self, String), String> {
        let (header, content) = file.split_at_checked(BLOCK).ok_or("it is too short")?;
        let end = header.iter().position(|byte| *byte == 0).unwrap_or(header.len());
        let record = Record::parse(&String::from_utf8_lossy(&header[..end]));
        let get = |key: &str| record.get(key).ok_or_else(|| format!("it has no `{key}`"));
        if get(FORMAT)? != VERSION {
            return Err(format!("it is of format {}, not {VERSION}", get(FORMAT)?));
        }
        if digest(content) != get(SHA256)? {
            return Err("its content is damaged".to_owned());
        }
        let numbers = get(BLOCKS)?
            .split(',')
            .map(|number| number.parse::<u32>().map(|it| u64::from(it) * BLOCK as u64));
        let places: Vec<u64> =
            numbers.collect::<Result<_, _>>().map_err(|error| format!("`{BLOCKS}`: {error}"))?;
        let (blocks, rest) = content.as_chunks::<BLOCK>();
        let changes =
            Self { blocks: places.iter().copied().zip(blocks.iter().map(|it| it.to_vec())).collect() };
        match rest.is_empty() && places.len() == blocks.len() && changes.blocks.len() == blocks.len() {
            true => Ok((changes, get(BASE)?.to_owned())),
            false => Err(format!("it has {} bytes for {} blocks", content.len(), places.len())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes() -> Changes {
        let block = |byte| vec![byte; BLOCK];
        Changes {
            blocks: [(2050, 1), (3, 2), (7, 0)].map(|(at, byte)| (at * BLOCK as u64, block(byte))).into(),
        }
    }

    #[test]
    fn the_file_is_read_back() {
        let file = changes().encode("abc");
        assert!(file.starts_with(b"dialbox-blocks=1\nbase=abc\nblocks=3,7,2050\nsha256="));
        assert_eq!(file.len(), 4 * BLOCK);
        assert_eq!(Changes::decode(&file), Ok((changes(), "abc".to_owned())));
    }

    #[test]
    fn what_is_not_such_a_file_or_was_cut_or_changed_is_refused() {
        let file = changes().encode("abc");
        let mut changed = file.clone();
        changed[2 * BLOCK] ^= 1;
        for (file, why) in [
            (&file[..100], "too short"),
            (&[b'x'; 2 * BLOCK][..], "no `dialbox-blocks`"),
            (&file[..3 * BLOCK], "damaged"),
            (&changed, "damaged"),
        ] {
            let error = Changes::decode(file).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        let other =
            String::from_utf8_lossy(&file).replacen("blocks=3,7,2050", "blocks=3,7,7", 1).into_bytes();
        assert!(Changes::decode(&other[..]).is_err());
    }
}

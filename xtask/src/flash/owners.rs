//! Which files of a squashfs a bad block belongs to.

use std::{io::Cursor, ops::Range};

use backhand::{FilesystemReader, InnerNode};

/// The stored bytes of each file's content, from the beginning of the squashfs.
#[derive(Debug, Default, Clone)]
pub struct Owners(Vec<(Range<u64>, String)>);

impl Owners {
    /// Reads the tables of a squashfs; of one that is damaged there nothing is known.
    pub fn read(squashfs: &[u8]) -> Self {
        let Ok(reader) = FilesystemReader::from_reader(Cursor::new(squashfs.to_vec())) else {
            return Self::default();
        };
        let mut owners = Vec::new();
        for node in reader.files() {
            let InnerNode::File(file) = &node.inner else { continue };
            let name = node.fullpath.display().to_string();
            let stored: u64 = file.block_sizes().iter().map(|size| u64::from(size.size())).sum();
            let start = file.blocks_start();
            owners.push((start..start + stored, name.clone()));
            // The end of a file may share a block with those of others.
            let fragment = reader.fragments.as_ref().and_then(|all| all.get(file.frag_index()));
            owners.extend(fragment.map(|it| (it.start..it.start + u64::from(it.size.size()), name)));
        }
        Self(owners)
    }

    /// Enters what else lies there.
    pub fn add(&mut self, bytes: Range<u64>, name: String) {
        self.0.push((bytes, name));
    }

    /// The names of the files that have some of these bytes.
    pub fn of(&self, bytes: &Range<u64>) -> impl Iterator<Item = &str> {
        let touches = |owned: &Range<u64>| owned.start < bytes.end && bytes.start < owned.end;
        self.0.iter().filter(move |(owned, _)| touches(owned)).map(|(_, name)| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use backhand::{FilesystemWriter, NodeHeader};

    use super::*;

    #[test]
    fn the_bytes_of_a_file_are_its_own_or_shared_with_others_and_tables_are_no_files() {
        let noise = |seed: u32, length: usize| {
            let mut state = seed;
            let mut byte = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            };
            Cursor::new((0..length).map(|_| byte()).collect::<Vec<u8>>())
        };
        let mut writer = FilesystemWriter::default();
        for (name, seed, length) in [("big", 1, 300_000), ("large", 2, 300_000), ("small", 3, 100)] {
            writer.push_file(noise(seed, length), name, NodeHeader::default()).unwrap();
        }
        let mut squashfs = Cursor::new(Vec::new());
        writer.write(&mut squashfs).unwrap();
        let squashfs = squashfs.into_inner();
        let owners = Owners::read(&squashfs);
        let of = |bytes: Range<u64>| owners.of(&bytes).map(str::to_owned).collect::<BTreeSet<_>>();
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(of(0..squashfs.len() as u64), names(&["/big", "/large", "/small"]));
        assert_eq!(of(0..96), names(&[]), "the superblock");
        let large = noise(2, 300_000).into_inner();
        let inside = squashfs.windows(50).position(|it| *it == large[1000..1050]).unwrap() as u64;
        assert_eq!(of(inside..inside + 1), names(&["/large"]));
    }

    #[test]
    fn of_a_damaged_squashfs_nothing_is_known() {
        assert_eq!(Owners::read(&[0; 4096]).of(&(0..4096)).count(), 0);
    }
}

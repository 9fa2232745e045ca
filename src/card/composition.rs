//! A root from the good blocks of several copies, none of which is whole.

use std::ops::Range;

use super::Block;
use super::tree::{Check, Tree};
use super::verity::Verity;

/// A run of blocks of one copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Which copy, from 0.
    pub copy: usize,
    /// Their numbers: in the copy and in the root.
    pub blocks: Range<u64>,
}

/// Where each block of a root is taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composition {
    /// In order and without gaps.
    pub pieces: Vec<Piece>,
    /// The numbers of the blocks of data and tree that are good in no copy, or cannot be checked because such a block of
    /// the tree has their hash.
    pub lost: Vec<u64>,
}

/// Reads all blocks, with `read(copy, number)`, from the first copy on until one is good. A lost block is taken from a copy
/// in which it can at least be read.
///
/// `None` if not one block of data is good: the copies are of another root.
pub fn compose(
    verity: &Verity,
    copies: usize,
    read: impl FnMut(usize, u64) -> Option<Block>,
) -> Option<Composition> {
    let mut choice = Choice { copies, read, tree: Tree::new(verity.clone()), latest: 0, lost: Vec::new() };
    let tree: Vec<usize> = verity.hash_blocks().map(|number| choice.of(number)).collect();
    let lost_hashes = choice.lost.len();
    let data: Vec<usize> = (0..verity.data_blocks()).map(|number| choice.of(number)).collect();
    if (choice.lost.len() - lost_hashes) as u64 == verity.data_blocks() {
        return None;
    }
    // The superblock is nothing that the kernel reads.
    let superblock = data.last().copied();
    let pieces = (0..).zip(data.into_iter().chain(superblock).chain(tree)).fold(Vec::new(), add);
    choice.lost.sort_unstable();
    Some(Composition { pieces, lost: choice.lost })
}

fn add(mut pieces: Vec<Piece>, (number, copy): (u64, usize)) -> Vec<Piece> {
    match pieces.last_mut() {
        Some(last) if last.copy == copy => last.blocks.end = number + 1,
        _ => pieces.push(Piece { copy, blocks: number..number + 1 }),
    }
    pieces
}

struct Choice<R> {
    copies: usize,
    read: R,
    tree: Tree,
    /// Where the last good block was: to begin there makes few pieces.
    latest: usize,
    lost: Vec<u64>,
}

impl<R: FnMut(usize, u64) -> Option<Block>> Choice<R> {
    fn of(&mut self, number: u64) -> usize {
        let mut readable = None;
        for copy in (0..self.copies).map(|offset| (self.latest + offset) % self.copies) {
            let Some(block) = (self.read)(copy, number) else { continue };
            if self.tree.add(number, &block) == Check::Good {
                self.latest = copy;
                return copy;
            }
            readable.get_or_insert(copy);
        }
        self.lost.push(number);
        readable.unwrap_or(self.latest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::verity::Uuid;
    use proptest::prelude::*;

    /// 300 data blocks; the superblock is 300, the top of the tree 301, and 302 to 304 are below it.
    const DATA: u64 = 300;

    fn root() -> (Verity, Vec<Block>) {
        let mut data = vec![[0; 4096]; DATA as usize];
        (0u64..).zip(&mut data).for_each(|(number, block)| block[..8].copy_from_slice(&number.to_le_bytes()));
        let tree = Tree::build(data.as_flattened(), [7; 32], Uuid([1; 16])).unwrap();
        data.extend_from_slice(tree.hash_area().as_chunks().0);
        (tree.verity().clone(), data)
    }

    /// How a block of a copy reads.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Rot {
        Changed,
        Unreadable,
    }

    fn composed(rot: &[&[(u64, Rot)]]) -> Option<Composition> {
        let (verity, root) = root();
        compose(&verity, rot.len(), |copy, number| {
            let mut block = root[number as usize];
            match rot[copy].iter().find(|(bad, _)| *bad == number) {
                Some((_, Rot::Unreadable)) => return None,
                Some((_, Rot::Changed)) => block[9] ^= 1,
                None => {}
            }
            Some(block)
        })
    }

    fn piece(copy: usize, blocks: Range<u64>) -> Piece {
        Piece { copy, blocks }
    }

    #[test]
    fn each_block_comes_from_a_copy_in_which_it_is_good() {
        use Rot::{Changed, Unreadable};
        let composition = composed(&[&[(5, Changed), (303, Unreadable)], &[(4, Unreadable), (304, Changed)]]);
        let pieces = vec![
            piece(0, 0..5),
            piece(1, 5..302),
            piece(0, 302..303),
            piece(1, 303..304),
            piece(0, 304..305),
        ];
        let Some(composition) = composition else { panic!("composed") };
        assert_eq!(composition.lost, []);
        let copy_of = |number| composition.pieces.iter().find(|it| it.blocks.contains(&number)).unwrap().copy;
        assert_eq!([4, 5, 303, 304].map(copy_of), [0, 1, 1, 0], "{:?} for {pieces:?}", composition.pieces);
        assert_eq!(composition.pieces.iter().map(|it| it.blocks.end - it.blocks.start).sum::<u64>(), 305);
    }

    #[test]
    fn a_block_that_is_good_in_no_copy_is_lost_and_taken_from_where_it_can_be_read() {
        let composition = composed(&[&[(7, Rot::Unreadable)], &[(7, Rot::Changed)]]).unwrap();
        assert_eq!(composition.lost, [7]);
        assert!(composition.pieces.contains(&piece(1, 7..8)), "{:?}", composition.pieces);
    }

    #[test]
    fn below_a_lost_block_of_the_tree_nothing_can_be_checked() {
        let composition = composed(&[&[(303, Rot::Changed)], &[(303, Rot::Changed)]]).unwrap();
        assert_eq!(composition.lost, (128..256).chain([303]).collect::<Vec<_>>());
    }

    #[test]
    fn copies_of_another_root_are_none() {
        let (verity, _) = root();
        assert_eq!(compose(&verity, 2, |_, _| Some([3; 4096])), None);
        assert_eq!(compose(&verity, 2, |_, _| None), None);
        assert_eq!(compose(&verity, 0, |_, _| None), None);
        // The top of the tree is lost in both.
        assert_eq!(composed(&[&[(301, Rot::Changed)], &[(301, Rot::Unreadable)]]), None);
    }

    #[test]
    fn a_bad_superblock_is_no_loss() {
        let composition = composed(&[&[(300, Rot::Changed)], &[(300, Rot::Changed)]]).unwrap();
        assert_eq!(composition, Composition { pieces: vec![piece(0, 0..305)], lost: vec![] });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn rot_that_never_hits_both_copies_of_a_block_loses_nothing(
            hit in prop::collection::vec((0..305u64, any::<bool>(), any::<bool>()), 0..80)
        ) {
            let mut rot = [Vec::new(), Vec::new()];
            for (number, copy, readable) in hit {
                if !rot[usize::from(!copy)].iter().any(|(other, _)| *other == number) {
                    rot[usize::from(copy)].push((number, if readable { Rot::Changed } else { Rot::Unreadable }));
                }
            }
            let composition = composed(&[&rot[0], &rot[1]]).unwrap();
            prop_assert_eq!(&composition.lost, &Vec::<u64>::new());
            let mut end = 0;
            for piece in &composition.pieces {
                prop_assert_eq!(piece.blocks.start, end);
                end = piece.blocks.end;
                let is_good = |number| number == DATA || !rot[piece.copy].iter().any(|(bad, _)| *bad == number);
                prop_assert!(piece.blocks.clone().all(is_good), "{:?}", piece);
            }
            prop_assert_eq!(end, 305);
        }
    }
}

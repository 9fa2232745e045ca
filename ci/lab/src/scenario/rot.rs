//! Rot in the roots: a copy that is whole is used, else the good blocks of both, else what can be mounted.
//!
//! The box fills root B itself; here the lab copies root A onto it.

use super::{check, shows};
use crate::booted::Booted;
use crate::error::{Error, Result};
use crate::machine::Machine;
use crate::own::{OwnSite, own_box};
use crate::rot::{pattern, run, whole::WholeCard};
use crate::stage::Stage;
use dialbox::card::verity::{Superblock, Verity};
use dialbox::card::{BLOCK, Block, Hash};

/// The partitions of the roots.
const ROOT_A: usize = 2;
const ROOT_B: usize = 3;
/// The first file of the root has more than 200 blocks behind the superblock, and every boot reads all of them: busybox.
const NEEDED: u64 = 20;
/// A large file that no boot reads, whatever the role: ssh's library.
const NOT_NEEDED: &str = "/usr/lib/arm-linux-gnueabi/libtomcrypt.so.1.0.1";
const TRACING: &str = "/sys/kernel/tracing";

/// A box whose second root has what its first one has.
struct TwoRoots<'a> {
    own: OwnSite,
    machine: Machine<'a>,
    root: Vec<u8>,
    verity: Verity,
}

impl<'a> TwoRoots<'a> {
    fn new(stage: &'a Stage) -> Result<Self> {
        let (own, machine) = own_box(stage)?;
        let root = machine.card().read_partition(ROOT_A)?;
        let superblock = root.as_chunks::<BLOCK>().0.iter().find_map(Superblock::decode);
        // The places of blocks do not depend on the root hash.
        let verity = superblock.and_then(|superblock| Verity::new(Hash([0; 32]), superblock));
        let verity = verity.ok_or_else(|| Error::Image("its first root has no hash tree".to_owned()))?;
        let two = Self { own, machine, root, verity };
        two.restore()?;
        Ok(two)
    }

    /// Makes both roots whole.
    fn restore(&self) -> Result<()> {
        [ROOT_A, ROOT_B]
            .into_iter()
            .try_for_each(|root| self.machine.card().write_partition(root, &self.root))
    }

    /// Changes one bit of a block.
    fn spoil(&self, root: usize, number: u64) -> Result<()> {
        let at = number as usize * BLOCK;
        let mut block: Block = self.root[at..at + BLOCK].try_into().unwrap_or([0; BLOCK]);
        block[77] ^= 0x10;
        let start = self.machine.card().partitions()?[root - 1].start;
        self.machine.card().overwrite_at(start + at as u64, &block)
    }

    /// Boots to all services, and checks the row of the status about the root.
    fn boots_from(&self, row: &str) -> Result<Booted<'_>> {
        let mut booted = self.machine.boot()?;
        let status = booted.until_all("dialctl status", &self.own.up())?;
        shows("dialctl status", &status, &[row])?;
        Ok(booted)
    }

    fn superblock(&self) -> u64 {
        self.verity.data_blocks()
    }

    /// A block of the tree that is not its top.
    fn hashes(&self) -> u64 {
        self.verity.hash_blocks().start + 1
    }
}

/// One bad block of the first root, wherever it is: the second root is used.
pub fn in_the_first_root(stage: &Stage) -> Result<()> {
    let two = TwoRoots::new(stage)?;
    for (number, reason) in [
        (two.superblock(), "its superblock is damaged"),
        (two.hashes(), "of its hash tree, is bad"),
        (NEEDED, "/bin/busybox: I/O error"),
    ] {
        two.restore()?;
        two.spoil(ROOT_A, number)?;
        let mut booted = two.boots_from("root      B (/dev/mmcblk0p3), read-only, verified")?;
        let status = booted.must("dialctl status")?;
        shows("dialctl status", &status, &["/dev/mmcblk0p2: ", reason])?;
        shows("the kernel's log", &booted.must("dmesg")?, &["root refused: /dev/mmcblk0p2: "])?;
        // The services write the second copy of what must not be forgotten there.
        let card = booted.must("readlink /dev/card")?;
        check(card == "/dev/mmcblk0", || format!("/dev/card leads to {card}"))?;
        booted.cut_power();
    }
    Ok(())
}

/// Neither root is whole: the good blocks of both are used. A block that is bad in both is told, and is an error for who
/// reads it. With a tree that fits no root hash, a root is used unverified.
pub fn in_both_roots(stage: &Stage) -> Result<()> {
    let two = TwoRoots::new(stage)?;
    let mut booted = two.boots_from("root      A (/dev/mmcblk0p2), read-only, verified")?;
    let not_needed = block_of(&mut booted, &two, NOT_NEEDED)?;
    booted.cut_power();

    two.spoil(ROOT_A, two.hashes())?;
    two.spoil(ROOT_B, NEEDED)?;
    two.boots_from("root      A+B (/dev/mmcblk0p2, /dev/mmcblk0p3), read-only, verified")?.cut_power();

    // scrubd may have healed the former two meanwhile.
    for (root, number) in
        [(ROOT_A, two.hashes()), (ROOT_B, NEEDED), (ROOT_A, not_needed), (ROOT_B, not_needed)]
    {
        two.spoil(root, number)?;
    }
    let mut booted = two.boots_from("read-only, blocks bad in every copy: 1")?;
    let read = booted.run(&format!("cat {NOT_NEEDED} >/dev/null"))?;
    check(read.code != 0, || format!("block {not_needed} is bad and can be read"))?;
    booted.cut_power();

    two.restore()?;
    let top = two.verity.hash_blocks().start;
    [ROOT_A, ROOT_B].into_iter().try_for_each(|root| two.spoil(root, top))?;
    // Either one: after so many power cuts soon after a boot, B comes first.
    two.boots_from("read-only, NOT verified").map(drop)
}

/// Up to a quarter of each copy has rotted, scattered and in runs: the short form of `lab rot`.
pub fn up_to_a_quarter(stage: &Stage) -> Result<()> {
    let card = WholeCard::of(stage.bench().image.clone())?;
    let patterns = (0..6).map(|index| pattern::numbered(index, 1, card.blocks()));
    let patterns: Vec<_> = patterns.collect();
    patterns.iter().try_for_each(|rotten| run::heals(&card, rotten))?;
    let worst = patterns.iter().max_by_key(|rotten| rotten.len());
    worst.map_or(Ok(()), |rotten| run::boots(stage, &card, rotten))
}

/// The number of a block in the middle of a file, from the kernel's trace of what it reads from the card.
fn block_of(booted: &mut Booted, two: &TwoRoots, path: &str) -> Result<u64> {
    let trace = booted.must(&format!(
        "mount -t tracefs trace {TRACING} && echo 3 >/proc/sys/vm/drop_caches && \
         echo 1 >{TRACING}/events/block/block_rq_issue/enable && cat {path} >/dev/null && cat {TRACING}/trace"
    ))?;
    let start = two.machine.card().partitions()?[ROOT_A - 1].start / 512;
    // `… block_rq_issue: 179,0 RA 4096 () 41010 + 8 [cat]`: the sector of the card, and how many are read.
    let sectors = trace.lines().filter_map(|line| {
        let request = line.split_once("block_rq_issue: ")?.1.split_once("() ")?.1;
        let (sector, length) = request.split_once(" [")?.0.split_once(" + ")?;
        let (sector, length): (u64, u64) = (sector.parse().ok()?, length.parse().ok()?);
        let block = sector.checked_sub(start)? / 8;
        (length >= 8 && (NEEDED..two.verity.data_blocks()).contains(&block)).then_some(block)
    });
    let blocks: Vec<u64> = sectors.collect();
    let middle = blocks.get(blocks.len() / 2).copied();
    middle.ok_or_else(|| Error::Unexpected(format!("nothing was read for {path}:\n{trace}")))
}

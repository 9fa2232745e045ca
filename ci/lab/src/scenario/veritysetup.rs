//! The image's root, as Debian's own program for verified roots reads it.

use super::{check, shows};
use crate::card::Card;
use crate::error::{Error, Result};
use crate::initramfs;
use crate::leftovers;
use crate::stage::Stage;
use crate::unpacked::{self, Unpacked};
use dialbox::card::BLOCK;
use dialbox::card::layout;
use std::fs;
use std::path::Path;
use std::process::Command;

const ROOT: usize = 2;
/// A board of whose boot files the initramfs is read.
const BOARD: &str = "bcm2835-rpi-b-plus";

/// `veritysetup verify` accepts root A with the hash in the initramfs, and refuses it as soon as a byte of the data or of
/// the hash tree is another one.
pub fn accepts(stage: &Stage) -> Result<()> {
    let dir = stage.bench().verity_tools.as_deref();
    let dir = dir.ok_or_else(|| Error::NoVeritysetup("no directory was given".to_owned()))?;
    let veritysetup = unpacked::find(dir, "sbin/veritysetup").map_err(Error::NoVeritysetup)?;
    let card = Card::at(stage.bench().image.clone());
    let built = initramfs::card(&card.boot_files(BOARD)?.initramfs)?;
    let root = card.read_partition(ROOT)?;
    let (tree, middle) = (built.root.hash_blocks().start, built.root.data_blocks() / 2);

    let scratch = leftovers::private_dir()?;
    let file = scratch.path().join("root");
    let verify = |changed: Option<u64>| {
        let mut root = root.clone();
        if let Some(block) = changed {
            let byte = usize::try_from(block).ok().and_then(|block| root.get_mut(block * BLOCK + 77));
            *byte.ok_or_else(|| Error::Image("its first root is too short".to_owned()))? ^= 0x10;
        }
        fs::write(&file, root).map_err(|e| Error::io("write", &file, e))?;
        verify(&veritysetup, &file, &built)
    };
    let (is_accepted, said) = verify(None)?;
    check(is_accepted, || format!("veritysetup refuses the root:\n{said}"))?;
    for block in [0, middle, tree, tree + 1] {
        let (is_accepted, said) = verify(Some(block))?;
        check(!is_accepted, || format!("veritysetup accepts a root with a changed block {block}:\n{said}"))?;
        shows("veritysetup", &said, &["Verification"])?;
    }
    Ok(())
}

/// Whether it accepts a root, and what it says.
fn verify(veritysetup: &Unpacked, root: &Path, built: &layout::Card) -> Result<(bool, String)> {
    let mut command = Command::new(&veritysetup.loader);
    command.args(&veritysetup.first).arg("verify");
    command.arg(format!("--hash-offset={}", built.root.hash_offset()));
    command.args([root, root]).arg(built.root.root_hash().to_string());
    let output = command.output().map_err(|e| Error::io("start", &veritysetup.loader, e))?;
    let said = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
}

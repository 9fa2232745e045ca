//! The image's root, as Debian's own program for verified roots reads it.

use super::{check, shows};
use crate::card::Card;
use crate::error::{Error, Result};
use crate::leftovers;
use crate::stage::Stage;
use crate::unpacked::{self, Unpacked};
use dialbox::card::BLOCK;
use dialbox::card::layout;
use dialbox::record::Record;
use flate2::read::MultiGzDecoder;
use std::fs;
use std::io::Read;
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
    let built = built(&card.boot_files(BOARD)?.initramfs)?;
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

/// The record in the initramfs. Its lines stand in the archive as they are.
fn built(initramfs: &[u8]) -> Result<layout::Card> {
    let damaged = || Error::Image("its initramfs has no record of the card".to_owned());
    let mut archive = Vec::new();
    MultiGzDecoder::new(initramfs).read_to_end(&mut archive).map_err(|_| damaged())?;
    let is_start = |bytes: &[u8]| bytes.starts_with(b"root-hash=");
    let start = archive.windows(10).position(is_start).ok_or_else(damaged)?;
    let text = archive[start..].split(|byte| !byte.is_ascii_graphic() && *byte != b'\n').next();
    let text = String::from_utf8_lossy(text.unwrap_or_default());
    layout::Card::from_record(&Record::parse(&text)).ok_or_else(damaged)
}

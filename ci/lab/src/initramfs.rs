//! What the kernel unpacks at the start of a boot.

use crate::error::{Error, Result};
use dialbox::card::layout;
use dialbox::record::Record;
use flate2::read::MultiGzDecoder;
use std::io::Read;

/// Puts a FIFO, which nothing ever writes to, in the place of a file. The kernel unpacks one archive after another, and
/// the last one wins (Documentation/driver-api/early-userspace/buffer-format.rst).
pub fn add_fifo(initramfs: &mut Vec<u8>, path: &str) {
    // Archives begin at multiples of 4 bytes.
    initramfs.resize(initramfs.len().next_multiple_of(4), 0);
    entry(initramfs, path, 0o010_600);
    entry(initramfs, "TRAILER!!!", 0);
}

/// An entry without content of the format "newc" (same page): a magic and 13 numbers of eight hexadecimal digits, then
/// the name with a zero byte, all of it a multiple of 4 bytes.
fn entry(archive: &mut Vec<u8>, name: &str, mode: u32) {
    let length = name.len() + 1;
    let number = |number: usize| format!("{number:08x}");
    let mut header = "070701".to_owned() + &number(0) + &number(mode as usize);
    // Owner, group, links, time, size, four device numbers; the length of the name, the check.
    header += &[0, 0, 1, 0, 0, 0, 0, 0, 0, length, 0].map(number).concat();
    archive.extend(header.bytes().chain(name.bytes()).chain([0]));
    archive.resize(archive.len().next_multiple_of(4), 0);
}

/// The record of the card that the builder has put into it. Its lines stand in the archive as they are.
///
/// # Errors
/// There is none.
pub fn card(initramfs: &[u8]) -> Result<layout::Card> {
    let damaged = || Error::Image("its initramfs has no record of the card".to_owned());
    let mut archive = Vec::new();
    MultiGzDecoder::new(initramfs).read_to_end(&mut archive).map_err(|_| damaged())?;
    let is_start = |bytes: &[u8]| bytes.starts_with(b"root-hash=");
    let start = archive.windows(10).position(is_start).ok_or_else(damaged)?;
    let text = archive[start..].split(|byte| !byte.is_ascii_graphic() && *byte != b'\n').next();
    let text = String::from_utf8_lossy(text.unwrap_or_default());
    layout::Card::from_record(&Record::parse(&text)).ok_or_else(damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_archive_follows_at_a_multiple_of_four_bytes() {
        let mut initramfs = vec![0x1f; 6];
        add_fifo(&mut initramfs, "modules/order");
        let text = String::from_utf8_lossy(&initramfs);
        assert_eq!(&initramfs[6..8], [0, 0]);
        assert!(text[8..].starts_with("070701"), "{text}");
        // magic and 13 numbers
        let name = 8 + 6 + 13 * 8;
        assert_eq!(&text[name..name + 14], "modules/order\0");
        assert_eq!(initramfs.len() % 4, 0);
        assert!(text[name + 14..].starts_with("070701"), "{text}");
    }
}

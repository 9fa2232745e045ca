//! Whatever a package holds: no path leads out of it, no file is longer than the archive, and nothing is written outside the
//! directory into which it is unpacked.
#![no_main]

use std::fs;
use std::io::{Read, Seek};
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use xtask::debian::{contents, deb};

/// Paths and targets that are likely to lead somewhere; `OUT` is a directory beside the package's.
const PATHS: [&str; 16] = [
    "./usr/bin/a",
    "./usr/lib",
    "usr/lib/b",
    "/usr/lib/c",
    "./a",
    "./a/b",
    "a/../b",
    "../outside/d",
    "../outside",
    "../../outside",
    "OUT",
    "OUT/e",
    ".",
    "./",
    "./.hidden",
    "..",
];

/// Bytes of a file's content that are looked at.
const ENOUGH: u64 = 1 << 16;

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else { return };
    // A directory of this machine: the target fails if it cannot be made.
    let around = tempfile::tempdir().expect("a directory");
    let outside = around.path().join("outside");
    fs::create_dir(&outside).expect("a directory"); // as above
    let package = match kind % 3 {
        0 => rest.to_vec(),
        1 => package(rest),
        _ => package(&entries(rest, &outside)),
    };
    let file = around.path().join("it.deb");
    fs::write(&file, package).expect("a file"); // as above
    let inside = around.path().join("inside");
    fs::create_dir(&inside).expect("a directory"); // as above
    let _ = deb::for_each(&file, |path, entry| {
        is_in_the_package(path);
        if kind & 4 == 0 {
            let _ = deb::place(&inside, path, entry);
        }
        entry.take(ENOUGH).read_to_end(&mut Vec::new()).ok();
        Ok(())
    });
    let names: Vec<_> = fs::read_dir(around.path()).into_iter().flatten().flatten().collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert_eq!(fs::read_dir(&outside).into_iter().flatten().count(), 0, "written outside");
    read_contents(&file);
});

/// The list of an unpacked package.
fn read_contents(package: &Path) {
    let Ok(data) = deb::data(package) else { return };
    // As above.
    let mut tar = tempfile::tempfile().expect("a file");
    let Ok(size) = std::io::copy(&mut data.take(1 << 20), &mut tar) else { return };
    if tar.rewind().is_err() {
        return;
    }
    let Ok(lines) = contents::lines(&tar) else { return };
    for line in lines.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        // Of directories, the list has those with an unusual mode.
        let directory = fields[0].strip_suffix('/').filter(|above| !above.is_empty());
        is_in_the_package(directory.unwrap_or(fields[0]));
        match fields[1..] {
            [mode] if fields[0].ends_with('/') => assert!(mode.len() <= 4, "{line}"),
            [_target] => {}
            [mode, at, length, _sha256] => {
                assert!(mode.len() <= 3, "{line}");
                let number = |text: &str| text.parse::<u64>().expect("a number"); // the target fails without
                // The list was refused if a file did not lie in the archive.
                assert!(number(at) + number(length) <= size, "{line}");
            }
            _ => panic!("{line}"),
        }
    }
}

fn is_in_the_package(path: &str) {
    // The target fails without.
    let below = path.strip_prefix('/').expect("an absolute path");
    assert!(path == "/" || !below.split('/').any(|name| matches!(name, "" | "." | "..")), "{path:?}");
    assert!(!path.contains(char::is_control), "{path:?}");
}

/// A package around a `data.tar`.
fn package(data: &[u8]) -> Vec<u8> {
    let mut package = b"!<arch>\n".to_vec();
    for (name, content) in [("debian-binary", &b"2.0\n"[..]), ("data.tar", data)] {
        package.extend(
            format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100_644, content.len()).bytes(),
        );
        package.extend(content);
        package.extend((content.len() % 2 == 1).then_some(b'\n'));
    }
    package
}

/// A `data.tar` of entries of four bytes each: the kind, the path, the target or the size, and what is spoilt.
fn entries(bytes: &[u8], outside: &Path) -> Vec<u8> {
    let path = |index: u8| {
        PATHS[usize::from(index) % PATHS.len()].replace("OUT", &outside.display().to_string()).into_bytes()
    };
    let mut tar = Vec::new();
    for entry in bytes.chunks_exact(4) {
        let &[kind, name, other, spoilt] = entry else { continue };
        let mut header = tar::Header::new_gnu();
        let is_long = kind & 0x80 != 0;
        if is_long {
            long_name(&mut tar, &path(name));
        }
        let old = header.as_old_mut();
        let short = if is_long { b"short".to_vec() } else { path(name) };
        let length = short.len().min(old.name.len());
        old.name[..length].copy_from_slice(&short[..length]);
        let target = path(other);
        let length = target.len().min(old.linkname.len());
        old.linkname[..length].copy_from_slice(&target[..length]);
        old.linkflag = [b"0125gLKx"[usize::from(kind % 8)]];
        header.set_mode(u32::from(spoilt) << 4 | 0o600);
        let is_file = matches!(kind % 8, 0 | 4..);
        let size = if is_file { usize::from(other) } else { 0 };
        // One in sixteen says that it has far more than it has.
        let said = if spoilt == 0xff { u64::MAX >> (name % 64) } else { size as u64 };
        header.set_size(said);
        if name & 0x40 != 0 {
            header.as_mut_bytes()[usize::from(spoilt) * 2] ^= kind;
        }
        header.set_cksum();
        tar.extend(header.as_bytes());
        tar.extend(std::iter::repeat_n(name, size.next_multiple_of(512)));
    }
    tar.extend([0; 1024]);
    tar
}

/// GNU's entry for a name that is too long for a header.
fn long_name(tar: &mut Vec<u8>, name: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::GNULongName);
    header.set_size(name.len() as u64);
    header.set_cksum();
    tar.extend(header.as_bytes());
    let end = tar.len() + name.len().next_multiple_of(512);
    tar.extend(name);
    tar.resize(end, 0);
}

//! A bundle: one file with all that a build without a network needs. A tar of packages, as in the download directory, and
//! of crates, as in a cargo home; behind it one block with the SHA-256 of all before it.
//!
//! Crates keep the places that they have in a cargo home: `cargo vendor` would move them, and the paths of their sources
//! are in the programs' messages.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use tar::{Archive, Builder, EntryType, Header};

use crate::{
    context::BuildContext,
    directory_lock,
    error::{Context, Error, Result},
    input_file,
    print::tell,
    private,
    task::hex,
};

/// Below a bundle's directory: packages by their SHA-256.
pub const DOWNLOADS: &str = "downloads";
/// Below a bundle's directory: a cargo home.
pub const CARGO_HOME: &str = "cargo";

/// The length of tar's blocks, and of the last one with the hash.
const BLOCK: usize = 512;
const MAGIC: &str = "dialbox bundle 1, sha256 ";

/// Writes a bundle of these files, each with its name in it. It appears under its name when it is complete.
pub fn write(out: &Path, files: &[(String, PathBuf)], time_stamp: u32) -> Result<u64> {
    let cannot = || format!("cannot write {}", out.display());
    let part = out.with_added_extension("part");
    let make = || {
        let mut tar = Builder::new(Hashing {
            to: BufWriter::new(File::create(&part)?),
            hash: Sha256::new(),
            length: 0,
        });
        for (name, path) in files {
            let mut file = File::open(path)?;
            let mut header = Header::new_gnu();
            header.set_entry_type(EntryType::Regular);
            header.set_size(file.metadata()?.len());
            header.set_mode(0o644);
            header.set_mtime(time_stamp.into());
            tar.append_data(&mut header, name, &mut file)?;
        }
        let Hashing { mut to, hash, length } = tar.into_inner()?;
        to.write_all(&last_block(hash))?;
        to.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        private::rename(&part, out)?;
        Ok(length + BLOCK as u64)
    };
    make().inspect_err(|_: &io::Error| drop(fs::remove_file(&part))).context(cannot)
}

/// Takes packages and crates from this bundle, if there is one, and from nowhere else.
pub fn take(ctx: &mut BuildContext, bundle: Option<&Path>) -> Result<()> {
    if let Some(file) = bundle {
        let unpacked = open(file, &ctx.cache)?;
        ctx.use_only(unpacked.join(DOWNLOADS), unpacked.join(CARGO_HOME));
    }
    Ok(())
}

/// Checks every byte of a bundle and unpacks it into a directory beside those of other bundles, unless it is there.
fn open(bundle: &Path, cache: &Path) -> Result<PathBuf> {
    let cannot = || format!("cannot read the bundle {}", bundle.display());
    let damaged = || {
        Error::new(format!("{} is no whole bundle", bundle.display()))
            .hint("copy it again, or make it again with `cargo xtask bundle`")
    };
    let opened = input_file::open(bundle, &format!("the bundle {}", bundle.display()));
    let mut file = opened.map_err(|error| error.hint("name the file that `cargo xtask bundle` has made"))?;
    let length = file.metadata().context(cannot)?.len().checked_sub(BLOCK as u64).ok_or_else(damaged)?;
    let mut hash = Hashing { to: io::sink(), hash: Sha256::new(), length: 0 };
    io::copy(&mut (&file).take(length), &mut hash).context(cannot)?;
    let mut last = [0; BLOCK];
    file.read_exact(&mut last).context(cannot)?;
    if !last.starts_with(MAGIC.as_bytes()) {
        return Err(damaged().fact("its last block is not that of a bundle"));
    }
    let found = hex(&hash.hash.clone().finalize());
    if last != last_block(hash.hash) {
        let told = String::from_utf8_lossy(&last[MAGIC.len()..][..64]).into_owned();
        return Err(damaged()
            .fact(format!("it has the SHA-256  {found}"))
            .fact(format!("and its end says    {told}")));
    }
    let directory = cache.join("bundles").join(&found[..32]);
    if directory.is_dir() {
        return Ok(directory);
    }
    let unpack = || {
        let above = cache.join("bundles");
        private::create_dir(&above)?;
        let _alone =
            directory_lock::hold(&above, || tell("  waiting for another run that unpacks a bundle …"))?;
        // The other run may have unpacked it.
        if directory.is_dir() {
            return Ok(());
        }
        let part = directory.with_extension("part");
        if part.exists() {
            fs::remove_dir_all(&part)?;
        }
        private::create_dir(&part)?;
        (&file).seek(SeekFrom::Start(0))?;
        Archive::new((&file).take(length)).unpack(&part)?;
        fs::rename(&part, &directory)
    };
    unpack().context(|| format!("cannot unpack {}", bundle.display()))?;
    Ok(directory)
}

fn last_block(hash: Sha256) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let text = format!("{MAGIC}{}\n", hex(&hash.finalize()));
    block[..text.len()].copy_from_slice(text.as_bytes());
    block
}

/// Hashes what passes.
struct Hashing<W> {
    to: W,
    hash: Sha256,
    length: u64,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(dir: &Path) -> PathBuf {
        fs::write(dir.join("package"), "a package").unwrap();
        fs::write(dir.join("crate"), "a crate").unwrap();
        let name = "cargo/registry/cache/index/one-1.0.0.crate";
        let files = [("downloads/0123", "package"), (name, "crate")];
        let files = files.map(|(name, file)| (name.to_owned(), dir.join(file)));
        let out = dir.join("bundle");
        let length = write(&out, &files, 1_700_000_000).unwrap();
        assert_eq!(out.metadata().unwrap().len(), length);
        out
    }

    #[test]
    fn a_bundle_gives_back_its_files_and_is_the_same_each_time() {
        let dir = tempfile::tempdir().unwrap();
        let file = bundle(dir.path());
        let first = fs::read(&file).unwrap();
        let unpacked = open(&file, &dir.path().join("cache")).unwrap();
        assert_eq!(fs::read_to_string(unpacked.join("downloads/0123")).unwrap(), "a package");
        assert_eq!(
            fs::read_to_string(unpacked.join("cargo/registry/cache/index/one-1.0.0.crate")).unwrap(),
            "a crate"
        );
        assert_eq!(open(&file, &dir.path().join("cache")).unwrap(), unpacked);
        assert_eq!(fs::read(bundle(dir.path())).unwrap(), first);
    }

    /// It would remove what the other one has unpacked so far.
    #[test]
    fn a_bundle_that_another_run_unpacks_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let (file, cache) = (bundle(dir.path()), dir.path().join("cache"));
        let there = open(&file, &cache).unwrap();
        fs::remove_dir_all(&there).unwrap();
        let other = directory_lock::try_hold(&cache.join("bundles")).unwrap();
        std::thread::scope(|scope| {
            let run = scope.spawn(|| open(&file, &cache).unwrap());
            std::thread::sleep(std::time::Duration::from_millis(300));
            assert!(!run.is_finished() && !there.with_extension("part").exists());
            fs::create_dir(&there).unwrap();
            drop(other);
            assert_eq!(run.join().unwrap(), there);
        });
        assert_eq!(fs::read_dir(&there).unwrap().count(), 0, "it is as the other run has left it");
    }

    #[test]
    fn a_bundle_with_a_changed_byte_is_refused_and_nothing_of_it_is_unpacked() {
        let dir = tempfile::tempdir().unwrap();
        let file = bundle(dir.path());
        let whole = fs::read(&file).unwrap();
        let cache = dir.path().join("cache");
        for at in (0..whole.len()).step_by(7).chain(whole.len() - BLOCK..whole.len()) {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            fs::write(&file, &changed).unwrap();
            assert!(open(&file, &cache).is_err(), "byte {at}");
        }
        for length in [0, 1, BLOCK, whole.len() - BLOCK, whole.len() - 1] {
            fs::write(&file, &whole[..length]).unwrap();
            assert!(open(&file, &cache).is_err(), "{length} bytes");
        }
        assert!(!cache.exists());
    }
}

//! A partial file of a download: its content on disk, the address that it came from, and the hash of it.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    path::PathBuf,
};

use sha2::{Digest, Sha256};

/// Two mirrors may have different files under one name, and a network's login page comes for every address: bytes of two
/// sources are never put together.
pub struct Sink<'a> {
    file: &'a mut File,
    /// Holds the address that the bytes came from.
    note: PathBuf,
    source: Option<String>,
    hash: Sha256,
    have: u64,
    reported: u64,
    advance: &'a dyn Fn(u64),
}

impl<'a> Sink<'a> {
    /// Resumes after the content of `file`; `note` names its source; `advance` is called once for every byte.
    pub fn resume(file: &'a mut File, note: PathBuf, advance: &'a dyn Fn(u64)) -> io::Result<Self> {
        file.seek(SeekFrom::Start(0))?;
        let mut hash = Sha256::new();
        let have = io::copy(file, &mut Hashing(&mut hash))?;
        advance(have);
        // Without a note nothing is resumed.
        let source = fs::read_to_string(&note).ok();
        Ok(Self { file, note, source, hash, have, reported: have, advance })
    }

    /// Bytes that came from this address.
    pub fn have(&self, url: &str) -> u64 {
        if self.source.as_deref() == Some(url) { self.have } else { 0 }
    }

    /// The SHA-256 of the content, in hexadecimal.
    pub fn sha256(&self) -> String {
        hexadecimal(self.hash.clone())
    }

    /// Begins again, with bytes from this address.
    pub fn restart(&mut self, url: &str) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.hash = Sha256::new();
        self.have = 0;
        if self.source.as_deref() != Some(url) {
            fs::write(&self.note, url)?;
            self.source = Some(url.to_owned());
        }
        Ok(())
    }

    /// Appends bytes from the source.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hash.update(bytes);
        self.have += bytes.len() as u64;
        if self.have > self.reported {
            (self.advance)(self.have - self.reported);
            self.reported = self.have;
        }
        Ok(())
    }
}

struct Hashing<'a>(&'a mut Sha256);

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The SHA-256 of a reader's content, in hexadecimal.
pub fn sha256(reader: &mut impl Read) -> io::Result<String> {
    let mut hash = Sha256::new();
    io::copy(reader, &mut Hashing(&mut hash))?;
    Ok(hexadecimal(hash))
}

fn hexadecimal(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

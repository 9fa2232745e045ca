//! Reading a `.deb`: an `ar` archive whose member `data.tar` holds the files (deb(5)).

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::Path,
};

use flate2::bufread::GzDecoder;
use liblzma::bufread::XzDecoder;

use crate::{
    bail,
    error::{Context, Error, Result},
};

/// A file of a package.
pub type Entry<'a> = tar::Entry<'a, Box<dyn Read>>;

/// The uncompressed `data.tar` of a package.
pub fn data(deb: &Path) -> Result<Box<dyn Read>> {
    open(deb).map_err(|error| error.context(format!("cannot unpack {}", deb.display())))
}

/// Calls `visit` for every file of a package with its absolute path, in the order of the archive.
pub fn for_each(deb: &Path, mut visit: impl FnMut(&str, &mut Entry) -> Result<()>) -> Result<()> {
    let broken = || format!("cannot unpack {}", deb.display());
    let mut archive = tar::Archive::new(data(deb)?);
    for entry in archive.entries().context(broken)? {
        let mut entry = entry.context(broken)?;
        let path = absolute(&entry).map_err(|error| error.context(broken()))?;
        visit(&path, &mut entry).map_err(|error| error.context(broken()))?;
    }
    // tar stops at its own end; the checksum of xz follows.
    io::copy(&mut archive.into_inner(), &mut io::sink()).context(broken)?;
    Ok(())
}

/// `./usr/sbin/pppd` → `/usr/sbin/pppd`, `./usr/` → `/usr`
pub fn absolute(entry: &tar::Entry<impl Read>) -> Result<String> {
    let path = entry.path().context(|| "a path in it cannot be read".into())?;
    let Some(path) = path.to_str() else { bail!("the path {path:?} in it is not UTF-8") };
    let path = path.strip_prefix('.').unwrap_or(path).trim_matches('/');
    if path.split('/').any(|it| it == "..") {
        bail!("the path {path} in it leads out of it");
    }
    Ok(format!("/{path}"))
}

fn open(deb: &Path) -> Result<Box<dyn Read>> {
    let unreadable = || "it cannot be read".to_owned();
    let mut file = File::open(deb).context(unreadable)?;
    let length = file.metadata().context(unreadable)?.len();
    let member = find_data(&file, length)?;
    file.seek(SeekFrom::Start(member.offset)).context(unreadable)?;
    // A large buffer: the decoder is called once per buffer.
    let content = BufReader::with_capacity(256 * 1024, file.take(member.size));
    Ok(match member.name.as_str() {
        "data.tar.xz" => Box::new(XzDecoder::new_multi_decoder(content)),
        "data.tar.gz" => Box::new(GzDecoder::new(content)),
        "data.tar" => Box::new(content),
        other => bail!("its files are in {other}, but only xz and gzip can be read here"),
    })
}

struct Member {
    name: String,
    offset: u64,
    size: u64,
}

/// Members begin after the magic `!<arch>\n`, each with a header of 60 bytes, on even offsets.
fn find_data(file: &File, length: u64) -> Result<Member> {
    let mut archive = ar::Archive::new(file);
    let mut next = 8;
    while let Some(entry) = archive.next_entry() {
        let header = entry.map_err(malformed)?.header().clone();
        let (offset, size) = (next + 60, header.size());
        next = offset + size + size % 2;
        if offset + size > length {
            bail!("it is truncated: it has {length} bytes of at least {}", offset + size);
        }
        let name = String::from_utf8_lossy(header.identifier()).trim_end_matches('/').to_owned();
        if name.starts_with("data.tar") {
            return Ok(Member { name, offset, size });
        }
    }
    if length < next {
        bail!("it is truncated: it has {length} bytes");
    }
    bail!("it is not a Debian package: it has no data.tar")
}

fn malformed(error: io::Error) -> Error {
    Error::new("it is not a Debian package, or a broken one").fact(error)
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write};

    use liblzma::write::XzEncoder;

    use super::*;

    /// A package with one file, whose `data.tar` is compressed by `pack`.
    fn package(member: &str, pack: fn(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
        let mut files = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        let content: Vec<u8> =
            (0..40_000_u32).flat_map(|it| it.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        header.set_size(content.len() as u64);
        header.set_mode(0o755);
        header.set_cksum();
        files.append_data(&mut header, "./usr/sbin/pppd", &content[..]).unwrap();
        let data = pack(files.into_inner().unwrap());
        let mut deb = ar::Builder::new(Vec::new());
        for (name, content) in [("debian-binary", &b"2.0\n"[..]), ("control.tar.xz", b"odd"), (member, &data)]
        {
            deb.append(&ar::Header::new(name.into(), content.len() as u64), content).unwrap();
        }
        deb.into_inner().unwrap()
    }

    fn xz(plain: Vec<u8>) -> Vec<u8> {
        let mut encoder = XzEncoder::new(Vec::new(), 1);
        encoder.write_all(&plain).unwrap();
        encoder.finish().unwrap()
    }

    fn gzip(plain: Vec<u8>) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&plain).unwrap();
        encoder.finish().unwrap()
    }

    fn list(bytes: &[u8]) -> std::result::Result<Vec<(String, u64)>, String> {
        let directory = tempfile::tempdir().unwrap();
        let deb = directory.path().join("ppp.deb");
        fs::write(&deb, bytes).unwrap();
        let mut seen = Vec::new();
        let outcome = for_each(&deb, |path, entry| {
            let read = io::copy(entry, &mut io::sink()).context(|| format!("{path} cannot be read"))?;
            seen.push((path.to_owned(), read));
            Ok(())
        });
        let directory = format!("{}/", directory.path().display());
        outcome.map(|()| seen).map_err(|error| error.to_string().replace(&directory, ""))
    }

    #[test]
    fn files_are_read_whatever_their_compression() {
        let expected = vec![("/usr/sbin/pppd".to_owned(), 160_000)];
        assert_eq!(list(&package("data.tar.xz", xz)), Ok(expected.clone()));
        assert_eq!(list(&package("data.tar.gz", gzip)), Ok(expected.clone()));
        assert_eq!(list(&package("data.tar", |it| it)), Ok(expected));
    }

    #[test]
    fn an_unreadable_package_is_one_error_that_names_the_file() {
        let whole = package("data.tar.xz", xz);
        let mut flipped = whole.clone();
        let middle = whole.len() / 2;
        flipped[middle..middle + 64].fill(0);
        let cases = [
            ("cut in the data", whole[..whole.len() - 1000].to_vec()),
            ("cut in a header", whole[..100].to_vec()),
            ("empty", Vec::new()),
            ("a web page", b"<html>not found</html>".to_vec()),
            ("spoilt", flipped),
            ("zstd", package("data.tar.zst", |it| it)),
            ("no data", package("other", |it| it)),
        ];
        let told = cases.map(|(case, bytes)| format!("{case}:\n{}\n", list(&bytes).unwrap_err()));
        insta::assert_snapshot!(told.join("\n"), @r"
        cut in the data:
        error: cannot unpack ppp.deb
          it is truncated: it has 160456 bytes of at least 161456

        cut in a header:
        error: cannot unpack ppp.deb
          it is not a Debian package, or a broken one
          unexpected EOF in the middle of archive entry header

        empty:
        error: cannot unpack ppp.deb
          it is not a Debian package, or a broken one
          failed to read global header

        a web page:
        error: cannot unpack ppp.deb
          it is not a Debian package, or a broken one
          Not an archive file (invalid global header)

        spoilt:
        error: cannot unpack ppp.deb
          lzma data error

        zstd:
        error: cannot unpack ppp.deb
          its files are in data.tar.zst, but only xz and gzip can be read here

        no data:
        error: cannot unpack ppp.deb
          it is not a Debian package: it has no data.tar
        ");
    }
}

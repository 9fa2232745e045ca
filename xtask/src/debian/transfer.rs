//! Downloads one file over HTTP: resumes it after a break, retries with growing pauses, and hashes it (SHA-256) while
//! it arrives.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    thread,
    time::Duration,
};

use sha2::{Digest, Sha256};
use ureq::{
    Agent, Body,
    http::Response,
    tls::{RootCerts, TlsConfig},
};

/// The limits for a mirror.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Tries per mirror.
    pub tries: u32,
    /// Pause before the second try; doubled before each further one.
    pub first_pause: Duration,
    /// A connection that delivers no byte for this long is closed.
    pub silence: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { tries: 5, first_pause: Duration::from_millis(500), silence: Duration::from_secs(30) }
    }
}

/// Why no mirror gave the file.
#[derive(Debug)]
pub enum Failure {
    /// Every mirror answered that it has no such file.
    NotFound { urls: Vec<String> },
    /// It answered with another status.
    Refused { url: String, status: u16 },
    /// The connection broke off at every try.
    Died { url: String, tries: u32, last: String },
    /// The mirror has a file of another size.
    WrongSize { url: String, found: u64 },
    /// The size is right, but not the content.
    WrongHash { found: String },
    /// The bytes could not be written to disk.
    Disk(io::Error),
}

/// Why one attempt did not get the whole file.
enum Trouble {
    Passing(String),
    Final(Failure),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

/// A partial file: its content on disk, and the hash of it.
pub struct Sink<'a> {
    file: &'a mut File,
    hash: Sha256,
    have: u64,
    reported: u64,
    advance: &'a dyn Fn(u64),
}

impl<'a> Sink<'a> {
    /// Resumes after the content of `file`; `advance` is called once for every byte.
    pub fn resume(file: &'a mut File, advance: &'a dyn Fn(u64)) -> io::Result<Self> {
        file.seek(SeekFrom::Start(0))?;
        let mut hash = Sha256::new();
        let have = io::copy(file, &mut Hashing(&mut hash))?;
        advance(have);
        Ok(Self { file, hash, have, reported: have, advance })
    }

    fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.hash = Sha256::new();
        self.have = 0;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
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

/// Downloads from several mirrors in turn.
#[derive(Debug, Clone)]
pub struct Client {
    agent: Agent,
    patience: Patience,
}

impl Client {
    /// Connections are kept and shared by clones.
    pub fn new(patience: Patience) -> Self {
        let certificates = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
        let config = Agent::config_builder()
            .tls_config(certificates)
            .http_status_as_error(false)
            .timeout_connect(Some(patience.silence))
            .timeout_recv_response(Some(patience.silence))
            .timeout_per_read(Some(patience.silence))
            .user_agent(concat!("dialbox-xtask/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: config.into(), patience }
    }

    /// Fills the partial file with the file of this size and SHA-256.
    pub fn download(&self, urls: &[String], size: u64, sha256: &str, sink: &mut Sink) -> Result<(), Failure> {
        self.first_success(urls, |url| {
            self.receive(url, size, sink)?;
            let found = hexadecimal(sink.hash.clone());
            if found == sha256 {
                return Ok(());
            }
            sink.restart().map_err(|error| Trouble::Final(error.into()))?;
            Err(Trouble::Final(Failure::WrongHash { found }))
        })
    }

    /// A small file whose size is not known in advance.
    pub fn text(&self, urls: &[String]) -> Result<String, Failure> {
        self.first_success(urls, |url| {
            let mut response = self.request(url, 0)?;
            response.body_mut().read_to_string().map_err(|error| Trouble::Passing(error.to_string()))
        })
    }

    /// Tries each mirror until one succeeds or all tries are used up. Of several failures it returns
    /// the first that is not "not found".
    fn first_success<T>(
        &self,
        urls: &[String],
        mut attempt: impl FnMut(&str) -> Result<T, Trouble>,
    ) -> Result<T, Failure> {
        let mut telling = None;
        for url in urls {
            match self.with_patience(url, &mut attempt) {
                Ok(value) => return Ok(value),
                Err(Failure::Disk(error)) => return Err(Failure::Disk(error)),
                Err(Failure::NotFound { .. }) => {}
                Err(failure) => drop(telling.get_or_insert(failure)),
            }
        }
        Err(telling.unwrap_or_else(|| Failure::NotFound { urls: urls.to_vec() }))
    }

    fn with_patience<T>(
        &self,
        url: &str,
        attempt: &mut impl FnMut(&str) -> Result<T, Trouble>,
    ) -> Result<T, Failure> {
        let mut pause = self.patience.first_pause;
        let mut tries = 1;
        loop {
            let last = match attempt(url) {
                Ok(value) => return Ok(value),
                Err(Trouble::Final(failure)) => return Err(failure),
                Err(Trouble::Passing(last)) => last,
            };
            if tries == self.patience.tries {
                return Err(Failure::Died { url: url.to_owned(), tries, last });
            }
            thread::sleep(pause);
            pause *= 2;
            tries += 1;
        }
    }

    fn receive(&self, url: &str, size: u64, sink: &mut Sink) -> Result<(), Trouble> {
        let disk = |error: io::Error| Trouble::Final(Failure::Disk(error));
        if sink.have > size {
            sink.restart().map_err(disk)?;
        }
        if sink.have == size {
            return Ok(());
        }
        let response = self.request(url, sink.have)?;
        if !resumes_at(&response, sink.have) {
            sink.restart().map_err(disk)?;
        }
        let wrong_size = |found| Trouble::Final(Failure::WrongSize { url: url.to_owned(), found });
        match response.body().content_length() {
            Some(rest) if sink.have + rest != size => return Err(wrong_size(sink.have + rest)),
            _ => {}
        }
        let mut body = response.into_body().into_reader();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let broke_off = |why: &dyn std::fmt::Display| {
                Trouble::Passing(format!("{} of {size} bytes came: {why}", sink.have))
            };
            match body.read(&mut buffer) {
                Ok(0) if sink.have == size => return Ok(()),
                Ok(0) => return Err(broke_off(&"the mirror closed the connection")),
                Ok(more) if sink.have + more as u64 > size => {
                    return Err(wrong_size(sink.have + more as u64));
                }
                Ok(more) => sink.write(&buffer[..more]).map_err(disk)?,
                Err(error) => return Err(broke_off(&error)),
            }
        }
    }

    fn request(&self, url: &str, from: u64) -> Result<Response<Body>, Trouble> {
        let mut request = self.agent.get(url);
        if from > 0 {
            request = request.header("Range", format!("bytes={from}-"));
        }
        let response = request.call().map_err(|error| Trouble::Passing(error.to_string()))?;
        match response.status().as_u16() {
            200 | 206 => Ok(response),
            404 | 410 => Err(Trouble::Final(Failure::NotFound { urls: vec![url.to_owned()] })),
            // The range starts beyond the end: the partial file on the disk is not of this file.
            416 => Err(Trouble::Final(Failure::WrongSize { url: url.to_owned(), found: from })),
            status @ (408 | 429 | 500..) => Err(Trouble::Passing(format!("the mirror answered {status}"))),
            status => Err(Trouble::Final(Failure::Refused { url: url.to_owned(), status })),
        }
    }
}

/// Whether the answer begins at byte `have`; a mirror may send the whole file instead.
fn resumes_at(response: &Response<Body>, have: u64) -> bool {
    let range = response.headers().get("Content-Range").and_then(|it| it.to_str().ok());
    have == 0
        || (response.status() == 206 && range.is_some_and(|it| it.starts_with(&format!("bytes {have}-"))))
}

//! Downloads one file over HTTP from the first of several mirrors that has it: resumes it after a break, retries with
//! growing pauses, and hashes it (SHA-256) while it arrives.

use std::{
    collections::BTreeSet,
    io::{self, Read},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use ureq::{Body, http::Response};

use super::{request::Requester, sink::Sink};
use crate::{context::BuildContext, error::Error};

/// The limits for a mirror.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Tries per mirror. Each mirror is asked once before one is asked again.
    pub tries: u32,
    /// Pause before the second try; doubled before each further one.
    pub first_pause: Duration,
    /// A connection that delivers no byte for this long is closed.
    pub silence: Duration,
    /// The same for the first try, if there is another mirror to ask.
    pub first_silence: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            tries: 4,
            first_pause: Duration::from_millis(500),
            silence: Duration::from_secs(15),
            first_silence: Duration::from_secs(3),
        }
    }
}

/// Why a mirror did not give the file.
#[derive(Debug)]
pub enum Failure {
    /// It has no such file; of a download: none of these has.
    NotFound { urls: Vec<String> },
    /// It answered with another status.
    Refused { url: String, status: u16 },
    /// The connection broke off at every try.
    Died { url: String, tries: u32, last: String },
    /// A web page came: a login page of the network, or an error page with the status of a success.
    WebPage { url: String },
    /// The mirror has a file of another size.
    WrongSize { url: String, found: u64 },
    /// The size is right, but not the content.
    WrongHash { found: String },
    /// It came, and cannot be used.
    Unusable { url: String, why: Error },
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

/// Downloads from several mirrors in turn.
#[derive(Debug, Clone)]
pub struct Client {
    requester: Requester,
    patience: Patience,
    /// Mirrors that did not answer, by the beginning of their addresses; they are asked last.
    silent: Arc<Mutex<BTreeSet<String>>>,
}

impl Client {
    /// Connections are kept and shared by clones.
    pub fn new(ctx: &BuildContext, patience: Patience) -> Self {
        Self { requester: Requester::new(ctx), patience, silent: Arc::default() }
    }

    /// Fills the partial file with the file of this size and SHA-256. Of several mirrors' failures it returns the first
    /// that is not "not found".
    pub fn download(&self, urls: &[String], size: u64, sha256: &str, sink: &mut Sink) -> Result<(), Failure> {
        let outcome = self.first_success(urls, |url, silence| {
            self.receive(url, silence, size, sink)?;
            let found = sink.sha256();
            if found == sha256 {
                return Ok(());
            }
            sink.restart(url).map_err(|error| Trouble::Final(error.into()))?;
            Err(Trouble::Final(Failure::WrongHash { found }))
        });
        outcome.map_err(|failures| {
            let telling = failures.into_iter().find(|it| !matches!(it, Failure::NotFound { .. }));
            telling.unwrap_or_else(|| Failure::NotFound { urls: urls.to_vec() })
        })
    }

    /// A small file whose size is not known in advance: from the first mirror whose text `accept` takes. Otherwise every
    /// mirror's failure, in order.
    pub fn text<T>(
        &self,
        urls: &[String],
        mut accept: impl FnMut(&str) -> Result<T, Error>,
    ) -> Result<T, Vec<Failure>> {
        self.first_success(urls, |url, silence| {
            let mut response = self.request(url, silence, 0)?;
            let text = response.body_mut().read_to_string();
            let text = text.map_err(|error| Trouble::Passing(error.to_string()))?;
            accept(&text).map_err(|why| Trouble::Final(Failure::Unusable { url: url.to_owned(), why }))
        })
    }

    /// Tries each mirror once, and those with a passing trouble again, until one succeeds or all tries are used up.
    fn first_success<T>(
        &self,
        urls: &[String],
        mut attempt: impl FnMut(&str, Duration) -> Result<T, Trouble>,
    ) -> Result<T, Vec<Failure>> {
        let mut open: Vec<&String> = urls.iter().collect();
        open.sort_by_key(|url| self.is_silent(url));
        let mut failures = Vec::new();
        let mut pause = self.patience.first_pause;
        for tries in 1..=self.patience.tries {
            let hurry = tries == 1 && open.len() > 1;
            let silence = if hurry { self.patience.first_silence } else { self.patience.silence };
            let mut again = Vec::new();
            for url in open {
                match attempt(url, silence) {
                    Ok(value) => return Ok(value),
                    Err(Trouble::Final(Failure::Disk(error))) => return Err(vec![Failure::Disk(error)]),
                    Err(Trouble::Final(failure)) => failures.push((url, failure)),
                    Err(Trouble::Passing(last)) if tries == self.patience.tries => {
                        failures.push((url, Failure::Died { url: url.clone(), tries, last }));
                    }
                    Err(Trouble::Passing(_)) => {
                        self.note_silent(url);
                        again.push(url);
                    }
                }
            }
            if again.is_empty() {
                break;
            }
            thread::sleep(pause);
            pause *= 2;
            open = again;
        }
        failures.sort_by_key(|(url, _)| urls.iter().position(|it| it == *url));
        Err(failures.into_iter().map(|(_, failure)| failure).collect())
    }

    fn is_silent(&self, url: &str) -> bool {
        self.silent.lock().unwrap_or_else(PoisonError::into_inner).contains(host(url))
    }

    fn note_silent(&self, url: &str) {
        self.silent.lock().unwrap_or_else(PoisonError::into_inner).insert(host(url).to_owned());
    }

    fn receive(&self, url: &str, silence: Duration, size: u64, sink: &mut Sink) -> Result<(), Trouble> {
        let disk = |error: io::Error| Trouble::Final(Failure::Disk(error));
        if sink.have(url) > size {
            sink.restart(url).map_err(disk)?;
        }
        let have = sink.have(url);
        if have == size {
            return Ok(());
        }
        let response = self.request(url, silence, have)?;
        if !resumes_at(&response, have) {
            sink.restart(url).map_err(disk)?;
        }
        let wrong_size = |found| Trouble::Final(Failure::WrongSize { url: url.to_owned(), found });
        match response.body().content_length() {
            Some(rest) if sink.have(url) + rest != size => return Err(wrong_size(sink.have(url) + rest)),
            _ => {}
        }
        let mut body = response.into_body().into_reader();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let have = sink.have(url);
            let broke_off =
                |why: &dyn std::fmt::Display| Trouble::Passing(format!("{have} of {size} bytes came: {why}"));
            match body.read(&mut buffer) {
                Ok(0) if have == size => return Ok(()),
                Ok(0) => return Err(broke_off(&"the mirror closed the connection")),
                Ok(more) if have + more as u64 > size => return Err(wrong_size(have + more as u64)),
                Ok(more) => sink.write(&buffer[..more]).map_err(disk)?,
                Err(error) => return Err(broke_off(&error)),
            }
        }
    }

    fn request(&self, url: &str, silence: Duration, from: u64) -> Result<Response<Body>, Trouble> {
        let response = self.requester.get(url, from, silence).map_err(Trouble::Passing)?;
        match response.status().as_u16() {
            200 | 206 if is_web_page(&response) => {
                Err(Trouble::Final(Failure::WebPage { url: url.to_owned() }))
            }
            200 | 206 => Ok(response),
            404 | 410 => Err(Trouble::Final(Failure::NotFound { urls: vec![url.to_owned()] })),
            // The range starts beyond the end: the partial file on the disk is not of this file.
            416 => Err(Trouble::Final(Failure::WrongSize { url: url.to_owned(), found: from })),
            status @ (408 | 429 | 500..) => Err(Trouble::Passing(format!("the mirror answered {status}"))),
            status => Err(Trouble::Final(Failure::Refused { url: url.to_owned(), status })),
        }
    }
}

/// `http://mirror.example` of `http://mirror.example/debian/pool/x.deb`.
fn host(url: &str) -> &str {
    url.match_indices('/').nth(2).map_or(url, |(end, _)| &url[..end])
}

/// No file of an archive is one.
fn is_web_page(response: &Response<Body>) -> bool {
    response.body().mime_type() == Some("text/html")
}

/// Whether the answer begins at byte `have` of what is on the disk; a mirror may send the whole file instead.
fn resumes_at(response: &Response<Body>, have: u64) -> bool {
    let range = response.headers().get("Content-Range").and_then(|it| it.to_str().ok());
    have > 0 && response.status() == 206 && range.is_some_and(|it| it.starts_with(&format!("bytes {have}-")))
}

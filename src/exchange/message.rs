//! SIP messages as bytes of one datagram (RFC 3261 §7, §18.3).

use std::fmt;

use super::header::{self, name};

/// The longest datagram that is read. A longer one is refused, also if it does not say its length.
pub const LONGEST: usize = 16 * 1024;
/// The most header fields of a message, with each value of a list counted.
const MOST_HEADERS: usize = 128;

/// A message that can be read. Header fields are unfolded; those of lists that a proxy changes (Via, Route,
/// Record-Route) have one value each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The first line.
    pub start: Start,
    /// The header fields in their order.
    pub headers: Vec<Header>,
    /// The body, which is passed on unchanged.
    pub body: Vec<u8>,
}

/// The first line of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// Of a request.
    Request {
        /// The method, which is case-sensitive.
        method: String,
        /// The Request-URI, not checked yet.
        uri: String,
    },
    /// Of a response.
    Response {
        /// The status code, 100 to 699.
        code: u16,
        /// The reason phrase.
        reason: String,
    },
}

/// A header field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The name, in its long form if it is one of those that have a compact form.
    pub name: String,
    /// The value without the white space around it.
    pub value: String,
}

/// Why a datagram is not a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// The status code of an answer.
    pub code: u16,
    /// The reason.
    pub why: &'static str,
    /// What can be read of a request, so that it can be answered. Responses are never answered.
    pub request: Option<Box<Message>>,
}

impl Message {
    /// A request without header fields.
    pub fn request(method: &str, uri: &str) -> Self {
        let start = Start::Request { method: method.to_owned(), uri: uri.to_owned() };
        Self { start, headers: Vec::new(), body: Vec::new() }
    }

    /// The answer to a request: it has the fields of RFC 3261 §8.2.6.2.
    pub fn response(request: &Self, code: u16, reason: &str) -> Self {
        let mut copied = vec![name::VIA, name::FROM, name::TO, name::CALL_ID, name::CSEQ];
        // By which the client measures the round trip (RFC 3261 §8.2.6.1).
        copied.extend((code == 100).then_some(name::TIMESTAMP));
        let headers = request.headers.iter().filter(|header| copied.iter().any(|it| header.is(it)));
        let start = Start::Response { code, reason: reason.to_owned() };
        Self { start, headers: headers.cloned().collect(), body: Vec::new() }
    }

    /// Reads one datagram.
    ///
    /// # Errors
    /// It is no message of SIP/2.0, or longer or shorter than it says.
    pub fn parse(datagram: &[u8]) -> Result<Self, Malformed> {
        let unanswerable = |why| Malformed { code: 400, why, request: None };
        // Some clients send empty lines before a message (RFC 3261 §7.5), and as a keep-alive (RFC 5626 §3.5.1).
        let from = datagram.iter().position(|byte| !b"\r\n".contains(byte)).unwrap_or(datagram.len());
        let datagram = &datagram[from..];
        if datagram.is_empty() {
            return Err(unanswerable("empty"));
        }
        let (head, body) =
            split_head(datagram).ok_or_else(|| unanswerable("no empty line after the headers"))?;
        let head = String::from_utf8_lossy(head);
        let mut lines = head.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
        let (start, fault) = start(lines.next().unwrap_or_default()).map_err(unanswerable)?;
        let mut message = Self { start, headers: Vec::new(), body: Vec::new() };
        let fault = fault.or(message.read_headers(lines).err().map(|why| (400, why)));
        let fault = fault.or((datagram.len() > LONGEST).then_some((513, "Message Too Large")));
        let fault = fault.or(message.read_body(body).err().map(|why| (400, why)));
        match fault {
            None => Ok(message),
            Some((code, why)) => {
                let request = matches!(message.start, Start::Request { .. }).then(|| Box::new(message));
                Err(Malformed { code, why, request })
            }
        }
    }

    fn read_headers<'a>(&mut self, lines: impl Iterator<Item = &'a str>) -> Result<(), &'static str> {
        let mut folded: Vec<String> = Vec::new();
        for line in lines {
            match (line.starts_with([' ', '\t']), folded.last_mut()) {
                (true, Some(before)) => {
                    before.push(' ');
                    before.push_str(line.trim());
                }
                (true, None) => return Err("white space before the first header"),
                (false, _) => folded.push(line.to_owned()),
            }
        }
        for line in folded {
            let (name, value) = line.split_once(':').ok_or("a header without a colon")?;
            let name = header::long_name(name.trim_end_matches([' ', '\t']));
            if !header::is_token(name) {
                return Err("a header whose name is no token");
            }
            if header::is_split(name) {
                for value in header::list(value) {
                    self.add(name, value.trim());
                }
            } else {
                self.add(name, value.trim());
            }
            if self.headers.len() > MOST_HEADERS {
                return Err("too many headers");
            }
        }
        Ok(())
    }

    /// A datagram may be longer than the message in it (RFC 3261 §18.3), but not shorter.
    fn read_body(&mut self, body: &[u8]) -> Result<(), &'static str> {
        let mut length = None;
        for value in self.all(name::CONTENT_LENGTH) {
            let this = header::number(value).and_then(|length| usize::try_from(length).ok());
            let this = this.ok_or("Content-Length is no length")?;
            if length.is_some_and(|length| length != this) {
                return Err("two different values of Content-Length");
            }
            length = Some(this);
        }
        let body = body.get(..length.unwrap_or(body.len())).ok_or("shorter than its Content-Length")?;
        self.body = body.to_vec();
        Ok(())
    }

    /// Adds a header field at the end.
    pub fn add(&mut self, name: &str, value: impl fmt::Display) {
        self.headers.push(Header { name: name.to_owned(), value: value.to_string() });
    }

    /// Adds a header field as the first one.
    pub fn add_first(&mut self, name: &str, value: impl fmt::Display) {
        self.headers.insert(0, Header { name: name.to_owned(), value: value.to_string() });
    }

    /// The same message with one more header field.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.add(name, value);
        self
    }

    /// The first value of a header field.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|header| header.is(name)).map(|header| header.value.as_str())
    }

    /// All values of a header field.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |header| header.is(name)).map(|header| header.value.as_str())
    }

    /// Replaces the first value of a header field, if there is one.
    pub fn replace_first(&mut self, name: &str, value: String) {
        if let Some(header) = self.headers.iter_mut().find(|header| header.is(name)) {
            header.value = value;
        }
    }

    /// Removes the first value of a header field.
    pub fn remove_first(&mut self, name: &str) {
        if let Some(at) = self.headers.iter().position(|header| header.is(name)) {
            self.headers.remove(at);
        }
    }

    /// Removes all values of a header field.
    pub fn remove_all(&mut self, name: &str) {
        self.headers.retain(|header| !header.is(name));
    }

    /// The method of a request; empty for a response.
    pub fn method(&self) -> &str {
        match &self.start {
            Start::Request { method, .. } => method,
            Start::Response { .. } => "",
        }
    }

    /// The Request-URI; empty for a response.
    pub fn uri(&self) -> &str {
        match &self.start {
            Start::Request { uri, .. } => uri,
            Start::Response { .. } => "",
        }
    }

    /// The status code of a response; 0 for a request.
    pub fn code(&self) -> u16 {
        match &self.start {
            Start::Request { .. } => 0,
            Start::Response { code, .. } => *code,
        }
    }

    /// The datagram. Content-Length is the body's.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = match &self.start {
            Start::Request { method, uri } => format!("{method} {uri} SIP/2.0\r\n"),
            Start::Response { code, reason } => format!("SIP/2.0 {code} {reason}\r\n"),
        };
        for Header { name, value } in self.headers.iter().filter(|header| !header.is(name::CONTENT_LENGTH)) {
            text.push_str(name);
            text.push_str(": ");
            text.push_str(value);
            text.push_str("\r\n");
        }
        text.push_str(&format!("{}: {}\r\n\r\n", name::CONTENT_LENGTH, self.body.len()));
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

impl Header {
    /// Whether it has this name, given in its long form.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// The header lines and the body, without the empty line between them. Lines may end with LF alone.
fn split_head(datagram: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut at = 0;
    loop {
        let end = at + datagram[at..].iter().position(|byte| *byte == b'\n')?;
        let next = end + 1;
        let rest = datagram.get(next..)?;
        let skipped = if rest.starts_with(b"\r\n") { 2 } else { usize::from(rest.starts_with(b"\n")) };
        if skipped > 0 {
            return Some((&datagram[..end], &rest[skipped..]));
        }
        at = next;
    }
}

/// The first line, and what is wrong with a request whose sender can be told.
type StartLine = (Start, Option<(u16, &'static str)>);

fn start(line: &str) -> Result<StartLine, &'static str> {
    if let Some(rest) = line.strip_prefix("SIP/2.0 ") {
        let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
        let code = header::number(code).and_then(|code| u16::try_from(code).ok());
        let code = code.filter(|code| (100..700).contains(code)).ok_or("the status code is out of range")?;
        return Ok((Start::Response { code, reason: reason.to_owned() }, None));
    }
    let (method, rest) = line.split_once(' ').ok_or("no request line")?;
    if !header::is_token(method) {
        return Err("the method is no token");
    }
    let trimmed = rest.trim_end();
    let (uri, version) = trimmed.rsplit_once(' ').ok_or("no version")?;
    let fault = match version.get(..4) {
        Some(sip) if sip.eq_ignore_ascii_case("SIP/") && !version.eq_ignore_ascii_case("SIP/2.0") => {
            Some((505, "Version Not Supported"))
        }
        Some(sip) if sip.eq_ignore_ascii_case("SIP/") => None,
        _ => return Err("not SIP"),
    };
    let fault = fault.or_else(|| {
        (trimmed.len() != rest.len() || uri.contains([' ', '\t']) || uri.is_empty())
            .then_some((400, "white space in the request line"))
    });
    Ok((Start::Request { method: method.to_owned(), uri: uri.trim().to_owned() }, fault))
}

//! Header fields: names, lists, parameters (RFC 3261 §7.3 and §25.1).

use std::fmt;

use super::host::host_and_port;
pub use super::host::number;

/// Declares the names of header fields.
macro_rules! names {
    ($($name:ident $text:literal)+) => {$(
        #[doc = concat!("`", $text, "`.")]
        pub const $name: &str = $text;
    )+};
}

/// Names in their long form.
pub mod name {
    names! {
        ALLOW "Allow"
        AUTHORIZATION "Authorization"
        CALL_ID "Call-ID"
        CONTACT "Contact"
        CONTENT_LENGTH "Content-Length"
        CONTENT_TYPE "Content-Type"
        CSEQ "CSeq"
        EXPIRES "Expires"
        FROM "From"
        MAX_FORWARDS "Max-Forwards"
        MIN_EXPIRES "Min-Expires"
        PROXY_AUTHENTICATE "Proxy-Authenticate"
        PROXY_AUTHORIZATION "Proxy-Authorization"
        PROXY_REQUIRE "Proxy-Require"
        REASON "Reason"
        RECORD_ROUTE "Record-Route"
        REQUIRE "Require"
        RETRY_AFTER "Retry-After"
        ROUTE "Route"
        SERVER "Server"
        SESSION_EXPIRES "Session-Expires"
        TIMESTAMP "Timestamp"
        TO "To"
        UNSUPPORTED "Unsupported"
        USER_AGENT "User-Agent"
        VIA "Via"
        WWW_AUTHENTICATE "WWW-Authenticate"
    }
}

/// The compact forms (RFC 3261 §7.3.3, RFC 4028 §4).
const COMPACT: [(&str, &str); 11] = [
    ("c", name::CONTENT_TYPE),
    ("e", "Content-Encoding"),
    ("f", name::FROM),
    ("i", name::CALL_ID),
    ("k", "Supported"),
    ("l", name::CONTENT_LENGTH),
    ("m", name::CONTACT),
    ("s", "Subject"),
    ("t", name::TO),
    ("v", name::VIA),
    ("x", name::SESSION_EXPIRES),
];

/// The name in its long form.
pub fn long_name(written: &str) -> &str {
    COMPACT.iter().find(|(short, _)| written.eq_ignore_ascii_case(short)).map_or(written, |(_, long)| long)
}

/// Whether the values of this field are kept apart, since a proxy adds and removes one of them.
pub fn is_split(name: &str) -> bool {
    [name::VIA, name::ROUTE, name::RECORD_ROUTE].iter().any(|it| name.eq_ignore_ascii_case(it))
}

/// Whether it is a token (RFC 3261 §25.1).
pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte))
}

/// The values of a list: separated by commas outside quotes and angle brackets. Empty ones are left out.
pub fn list(value: &str) -> Vec<&str> {
    split_outside(value, ',').into_iter().map(str::trim).filter(|it| !it.is_empty()).collect()
}

/// Splits at a character outside quoted strings and angle brackets.
fn split_outside(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut from, mut quoted, mut escaped, mut bracketed) = (0, false, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '<' if !quoted => bracketed = true,
            '>' if !quoted => bracketed = false,
            _ if c == separator && !quoted && !bracketed => {
                parts.push(&text[from..at]);
                from = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

/// The parameters of a value, `;name=value`, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, Option<String>)>);

impl Params {
    /// Reads what follows the first semicolon; `None` if a name is no token.
    pub fn parse(text: &str, separator: char) -> Option<Self> {
        let mut params = Vec::new();
        for part in split_outside(text, separator) {
            let (name, value) = match part.split_once('=') {
                Some((name, value)) => (name.trim(), Some(unquoted(value.trim())?)),
                None => (part.trim(), None),
            };
            if !is_token(name) {
                return None;
            }
            params.push((name.to_owned(), value));
        }
        Some(Self(params))
    }

    /// Whether there is such a parameter, with or without a value.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        let pair = self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        pair.and_then(|(_, value)| value.as_deref())
    }
}

/// The text of a quoted string, or a word as it is; `None` if the quotes do not match.
pub fn unquoted(text: &str) -> Option<String> {
    let Some(inner) = text.strip_prefix('"') else {
        return (!text.contains('"')).then(|| text.to_owned());
    };
    let mut out = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return chars.as_str().trim().is_empty().then_some(out),
            '\\' => out.push(chars.next()?),
            c => out.push(c),
        }
    }
    None
}

/// A Via (RFC 3261 §20.42).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Via {
    /// As it was written, without the parameters that [`received_from`](Self::received_from) sets.
    text: String,
    /// The host of `sent-by`.
    pub host: String,
    /// The port of `sent-by`.
    pub port: Option<u16>,
    /// Its parameters.
    pub params: Params,
}

impl Via {
    /// Reads one.
    pub fn parse(text: &str) -> Option<Self> {
        let (head, params) = match text.split_once(';') {
            Some((head, rest)) => (head, Params::parse(rest, ';')?),
            None => (text, Params::default()),
        };
        // White space may be around the slashes: "SIP / 2.0 / UDP first.example.com : 4000".
        let mut parts = head.splitn(3, '/').map(str::trim);
        let (protocol, version, rest) = (parts.next()?, parts.next()?, parts.next()?);
        // A request of another version is refused by its first line, and answered by its Via.
        if !protocol.eq_ignore_ascii_case("SIP") || !is_token(version) {
            return None;
        }
        let (transport, sent_by) = rest.split_once(char::is_whitespace)?;
        let (host, port) = host_and_port(&sent_by.replace([' ', '\t'], ""))?;
        is_token(transport).then(|| Self { text: text.to_owned(), host, port, params })
    }

    /// The transaction's ID: empty for one of RFC 2543.
    pub fn branch(&self) -> &str {
        self.params.get("branch").unwrap_or_default()
    }

    /// The value with the address from which the message came (RFC 3261 §18.2.1, RFC 3581 §4).
    pub fn received_from(&self, source: std::net::SocketAddrV4) -> String {
        let kept = split_outside(&self.text, ';').into_iter().filter(|part| {
            let name = part.split('=').next().unwrap_or_default().trim();
            !name.eq_ignore_ascii_case("received") && !name.eq_ignore_ascii_case("rport")
        });
        let mut text = kept.collect::<Vec<_>>().join(";");
        if self.params.has("rport") {
            text += &format!(";received={};rport={}", source.ip(), source.port());
        } else if self.host != source.ip().to_string() {
            text += &format!(";received={}", source.ip());
        }
        text
    }
}

/// A value of From, To, Contact or Route: a URI with header parameters, and perhaps a display name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameAddr {
    /// The URI, not checked.
    pub uri: String,
    /// The parameters of the field.
    pub params: Params,
}

impl NameAddr {
    /// Reads one. Without angle brackets the parameters are the field's (RFC 3261 §20).
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (uri, rest) = match bracket(text)? {
            Some((display, uri, rest)) => {
                let quoted = display.starts_with('"');
                let fits = if quoted { unquoted(display).is_some() } else { words_of_tokens(display) };
                if !fits || uri.contains(['<', '>', '"']) {
                    return None;
                }
                (uri, rest.trim())
            }
            None => {
                let at = text.find(';').unwrap_or(text.len());
                let (uri, rest) = (text[..at].trim(), &text[at..]);
                // A question mark would begin header fields, which need brackets, as a comma does.
                if uri.contains(['?', ',', '"', ' ', '\t']) {
                    return None;
                }
                (uri, rest)
            }
        };
        let params = match rest.strip_prefix(';') {
            Some(rest) => Params::parse(rest, ';')?,
            None if rest.is_empty() => Params::default(),
            None => return None,
        };
        // White space inside the brackets is wrong, but its meaning is clear.
        let uri = uri.trim();
        (uri.contains(':') && !uri.contains([' ', '\t'])).then(|| Self { uri: uri.to_owned(), params })
    }

    /// The dialog's tag.
    pub fn tag(&self) -> Option<&str> {
        self.params.get("tag")
    }
}

/// Display name, URI and rest of `"name" <uri>;rest`; `Some(None)` without brackets; `None` if they do not match.
#[allow(clippy::type_complexity)]
fn bracket(text: &str) -> Option<Option<(&str, &str, &str)>> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '<' if !quoted => {
                let (uri, rest) = text[at + 1..].split_once('>')?;
                return Some(Some((text[..at].trim(), uri, rest)));
            }
            // The parameters of the field begin: brackets would be part of a value.
            ';' if !quoted => break,
            _ => {}
        }
    }
    if quoted { None } else { Some(None) }
}

fn words_of_tokens(text: &str) -> bool {
    // Adapters put other scripts there without quotes; only what would split the field is refused.
    !text.contains([',', '"', ';', '>'])
}

/// A CSeq (RFC 3261 §20.16).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CSeq {
    /// Its number, below 2³¹.
    pub number: u32,
    /// Its method.
    pub method: String,
}

impl CSeq {
    /// Reads one.
    pub fn parse(text: &str) -> Option<Self> {
        let (digits, method) = text.split_once(char::is_whitespace)?;
        let number = number(digits).filter(|number| *number < 1 << 31)?;
        let method = method.trim();
        is_token(method).then(|| Self { number, method: method.to_owned() })
    }
}

impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.method)
    }
}

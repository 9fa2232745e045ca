//! SIP URIs (RFC 3261 §19.1), as far as a box on one LAN needs them.

use std::net::{Ipv4Addr, SocketAddrV4};

use super::header::Params;
use super::host::host_and_port;

/// The port of SIP over UDP (RFC 3261 §19.1.2).
pub const SIP_PORT: u16 = 5060;

/// A `sip:` URI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uri {
    /// The user with its escapes resolved; empty if there is none.
    pub user: String,
    /// The host: a name or an address.
    pub host: String,
    /// The port.
    pub port: Option<u16>,
    /// Its parameters.
    pub params: Params,
}

/// Why a URI is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Another scheme: 416.
    Scheme,
    /// Not a URI: 400.
    Syntax,
}

impl Uri {
    /// Reads one.
    ///
    /// # Errors
    /// It is another kind of URI, or none.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let (scheme, rest) = text.split_once(':').ok_or(Refused::Syntax)?;
        let mut letters = scheme.bytes();
        let is_scheme = letters.next().is_some_and(|first| first.is_ascii_alphabetic())
            && letters.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        if !is_scheme {
            return Err(Refused::Syntax);
        }
        // sips would need TLS on every hop.
        if !scheme.eq_ignore_ascii_case("sip") {
            return Err(Refused::Scheme);
        }
        Self::after_scheme(rest).ok_or(Refused::Syntax)
    }

    fn after_scheme(rest: &str) -> Option<Self> {
        // A user part may hold `;`, `?` and `/`: only the last `@` before the host counts.
        let (user, rest) = match rest.split_once('@') {
            Some((user, rest)) if !user.is_empty() => (user, rest),
            Some(_) => return None,
            None => ("", rest),
        };
        // Header fields of the URI have no meaning in a request that is already one.
        if rest.contains(['?', '@', '<', '>', '"', ' ', '\t']) {
            return None;
        }
        let (host_port, params) = match rest.split_once(';') {
            Some((host, params)) => (host, Params::parse(params, ';')?),
            None => (rest, Params::default()),
        };
        let (host, port) = host_and_port(host_port)?;
        let user = user.split(':').next().unwrap_or_default();
        Some(Self { user: unescaped(user)?, host, port, params })
    }

    /// Where it is, if the host is an address.
    pub fn address(&self) -> Option<SocketAddrV4> {
        let host: Ipv4Addr = self.host.parse().ok()?;
        Some(SocketAddrV4::new(host, self.port.unwrap_or(SIP_PORT)))
    }
}

/// The number that a telephone has dialled: the user of a `sip:` URI, or a `tel:` URI (RFC 3966), without parameters, as in
/// `100;phone-context=…`.
///
/// # Errors
/// It is another kind of URI, or none.
pub fn dialled(text: &str) -> Result<String, Refused> {
    let number = |written: &str| written.split(';').next().unwrap_or_default().to_owned();
    match (text.split_once(':'), Uri::parse(text)) {
        (Some((scheme, rest)), _) if scheme.eq_ignore_ascii_case("tel") => {
            digits(&number(rest)).ok_or(Refused::Syntax)
        }
        (_, Ok(uri)) => {
            let is_telephone = uri.params.get("user").is_some_and(|kind| kind.eq_ignore_ascii_case("phone"));
            let number = number(&uri.user);
            // What is not a number after all may be a name (RFC 3261 §19.1.1).
            Ok(digits(&number).filter(|_| is_telephone).unwrap_or(number))
        }
        (_, Err(refused)) => Err(refused),
    }
}

/// A telephone number without its visual separators (RFC 3966 §5.1.1); `None` for anything else.
fn digits(number: &str) -> Option<String> {
    let digits: String = number.chars().filter(|c| !"-.()".contains(*c)).collect();
    let rest = digits.strip_prefix('+').unwrap_or(&digits);
    let is_number = !rest.is_empty() && rest.bytes().all(|it| it.is_ascii_hexdigit() || b"*#".contains(&it));
    is_number.then_some(digits)
}

/// Resolves `%41` (RFC 3261 §19.1.2); `None` for an escape without two digits, or of what is no UTF-8.
fn unescaped(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let mut digit = || bytes.next().and_then(|digit| char::from(digit).to_digit(16));
                let value = digit()? * 16 + digit()?;
                out.push(u8::try_from(value).ok()?);
            }
            byte => out.push(byte),
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_what_was_dialled_without_what_makes_it_readable() {
        let table = [
            ("sip:5551234@box", Ok("5551234")),
            ("sip:+33123@box;user=phone", Ok("+33123")),
            ("sip:*99%23@box", Ok("*99#")),
            ("sip:555-1234;phone-context=+1@box;user=phone", Ok("5551234")),
            // Without user=phone it is a name (RFC 3261 §19.1.1).
            ("sip:555-1234@box", Ok("555-1234")),
            ("sip:j.doe@box;user=phone", Ok("j.doe")),
            // RFC 3966 §6, its examples.
            ("tel:+1-201-555-0123", Ok("+12015550123")),
            ("tel:7042;phone-context=example.com", Ok("7042")),
            ("TEL:863-1234;phone-context=+1-914-555", Ok("8631234")),
            ("tel:", Err(Refused::Syntax)),
            ("tel:joe", Err(Refused::Syntax)),
            ("sips:5551234@box", Err(Refused::Scheme)),
            ("sip:", Err(Refused::Syntax)),
        ];
        for (uri, expected) in table {
            assert_eq!(dialled(uri), expected.map(str::to_owned), "{uri}");
        }
    }
}

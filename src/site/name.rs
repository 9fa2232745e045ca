//! Names.

use super::text::{Invalid, Text, checked_string};

checked_string! {
    /// A host name: one label (RFC 1123 §2.1).
    Hostname,
    /// Names of the files in `/etc/ppp/peers` and `/etc/ppp/chat`: letters, digits, `-` and `_`.
    ProviderName,
    /// A name for authentication: printable ASCII, except `*`, which means any name to pppd.
    UserName
}

impl Text for Hostname {
    const EXPECTED: &'static str = "a host name";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let fits = (1..=63).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-');
        if fits {
            return Ok(Self(text.to_owned()));
        }
        Err(Invalid::new(
            format!("{text:?} is not a host name"),
            "use 1 to 63 letters, digits and inner hyphens",
        ))
    }
}

impl Text for ProviderName {
    const EXPECTED: &'static str = "the operator's name";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let fits = (1..=32).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
            // `pon -x` and `pppd call -x` would take it for an option.
            && !text.starts_with('-');
        if fits {
            return Ok(Self(text.to_owned()));
        }
        Err(Invalid::new(
            format!("{text:?} cannot name a provider file"),
            "use 1 to 32 letters, digits, `_` and inner hyphens, as in \"free\"",
        ))
    }
}

/// pppd refuses longer ones (pppd.h, `MAXNAMELEN`, with its final NUL).
const LONGEST_USER: usize = 255;

impl Text for UserName {
    const EXPECTED: &'static str = "a user name";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if !printable || text.is_empty() || text.len() > LONGEST_USER {
            return Err(Invalid::new(
                format!("{text:?} is not a user name"),
                format!("use 1 to {LONGEST_USER} printable ASCII characters"),
            ));
        }
        if text == "*" {
            return Err(Invalid::new("the user `*` would be anybody", "give every user a name"));
        }
        Ok(Self(text.to_owned()))
    }
}

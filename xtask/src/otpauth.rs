//! The secret of one-time codes for an authenticator app: a URI, and the same as a QR code.

use std::io::{IsTerminal, stdout};

use base32ct::{Base32UpperUnpadded, Encoding};
use dialbox::site::{OneTimeCode, Proof, Role, Site};
use qrcode::{QrCode, render::unicode::Dense1x2};

use crate::error::{Context, Result};

/// Black on white, whatever the terminal's colours are: few apps read an inverted code.
const BLACK_ON_WHITE: &str = "\x1b[30;107m";
const USUAL_COLOURS: &str = "\x1b[0m";

/// "Key URI Format" of Google Authenticator, which every app reads. `None` if the site uses no codes.
pub fn uri(site: &Site) -> Option<String> {
    let Role::Dialer(dialer) = &site.role else { return None };
    let (kind, OneTimeCode { secret, digits }, counting) = match &dialer.sms.as_ref()?.proof {
        Proof::Totp(code) => ("totp", code, "period=30"),
        Proof::Hotp(code) => ("hotp", code, "counter=0"),
        Proof::SenderOnly => return None,
    };
    let (secret, digits) = (Base32UpperUnpadded::encode_string(secret.reveal()), digits.count());
    // No character of a host name must be escaped in a URI.
    let label = format!("dialbox:{}", site.hostname);
    Some(format!(
        "otpauth://{kind}/{label}?secret={secret}&issuer=dialbox&algorithm=SHA1&digits={digits}&{counting}"
    ))
}

/// The URI as a QR code of characters, with the URI below it.
pub fn picture(uri: &str) -> Result<String> {
    let code = QrCode::new(uri).context(|| "cannot make a QR code".into())?;
    let picture = code.render::<Dense1x2>().build();
    let (before, after) = if stdout().is_terminal() { (BLACK_ON_WHITE, USUAL_COLOURS) } else { ("", "") };
    let lines = picture.lines().map(|line| format!("  {before}{line}{after}\n"));
    Ok(format!("{}\n  {uri}\n", lines.collect::<String>()))
}

//! The sheet for the people who install the boxes: one HTML file that needs nothing else, and prints a card's box on a
//! part of a page that is not broken.

use std::fmt::Write as _;

use dialbox::site::{Proof, Role, Site, Vpn};
use qrcode::{Color, EcLevel, QrCode};

use super::{secrets::Secrets, site::Made, wireguard};
use crate::{
    error::{Context, Result},
    otpauth,
};

/// What the sheet begins with.
pub const HEAD: &str = r#"<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>dialbox: cards</title>
<style>
body { font: 11pt/1.4 sans-serif; max-width: 180mm; margin: 1em auto; padding: 0 1em; color: #111; background: #fff }
section { border: 1px solid #888; border-radius: 2mm; padding: 3mm 5mm; margin: 0 0 5mm; break-inside: avoid; overflow: hidden }
h2 { margin: 0 0 2mm; font-size: 16pt }
h2 small { font-weight: normal; float: right }
svg { float: right; width: 42mm; height: 42mm; margin-left: 5mm; background: #fff }
dt { font-weight: bold } dd { margin: 0 0 1mm 5mm } code, pre { font: 9.5pt monospace }
pre { border: 1px dashed #888; padding: 2mm; white-space: pre-wrap; overflow-wrap: anywhere; margin: 0 }
.warn { border: 2px solid #a00; padding: 2mm 4mm; margin: 0 0 5mm }
</style>
<h1>Cards</h1>
<p class="warn">This sheet holds secrets: whoever scans a code of it can command that box. Cut it up, and destroy what is
not needed any more.</p>
"#;

/// What the sheet ends with.
pub const TAIL: &str = "</html>\n";

/// What is known of a finished card.
#[derive(Debug, Clone, Copy)]
pub struct Card<'a> {
    /// Its number, from 1.
    pub number: usize,
    /// The box's name.
    pub name: &'a str,
    /// Its file; empty if the card itself was written.
    pub file: &'a str,
    /// Its site.
    pub made: &'a Made,
}

/// The box's WireGuard public key, if it has a VPN.
pub fn public_key(site: &Site) -> Option<String> {
    wireguard::public_key(vpn(site)?.private_key.reveal())
}

fn vpn(site: &Site) -> Option<&Vpn> {
    match &site.role {
        Role::Dialer(dialer) => dialer.vpn.as_ref(),
        Role::DialIn(_) => None,
    }
}

/// The part of the VPN's other end that admits this box.
fn peer(name: &str, site: &Site) -> Option<String> {
    let vpn = vpn(site)?;
    let shared =
        vpn.preshared_key.as_ref().map_or(String::new(), |key| format!("PresharedKey = {}\n", key.reveal()));
    Some(format!(
        "[Peer]\n# {name}\nPublicKey = {}\n{shared}AllowedIPs = {}/32\n",
        public_key(site)?,
        vpn.address.address()
    ))
}

/// The section of a card.
pub fn section(card: Card<'_>, secrets: &Secrets) -> Result<String> {
    let Card { number, name, file, made: Made { site, secrets: used, .. } } = card;
    let mut html = format!(
        "<section id=\"{}\">\n<h2>{} <small>card {number}</small></h2>\n",
        escaped(name),
        escaped(name)
    );
    if let Some(uri) = otpauth::uri(site) {
        html += &qr(&uri)?;
    }
    html += "<dl>\n";
    let mut row = |what: &str, value: &str| {
        // Writing into a String cannot fail.
        let _ = writeln!(html, "<dt>{what}</dt><dd>{value}</dd>");
    };
    if !file.is_empty() {
        row("file", &format!("<code>{}</code>", escaped(file)));
    }
    row("host name, role", &format!("{}, {}", escaped(&site.hostname.to_string()), site.role.as_str()));
    match &site.role {
        Role::Dialer(dialer) => {
            row("operator", &escaped(dialer.operator.name.as_str()));
            if let Some(sms) = &dialer.sms {
                let numbers = sms.numbers.iter().map(|number| number.as_str());
                row("obeys messages of", &escaped(&numbers.collect::<Vec<_>>().join(", ")));
                match &sms.proof {
                    Proof::Totp(_) => {
                        row("one-time codes", "by the clock: scan the picture with an authenticator app")
                    }
                    Proof::Hotp(_) => {
                        row("one-time codes", "by a counter: scan the picture with one authenticator app")
                    }
                    Proof::SenderOnly => row("one-time codes", "none: the number alone is the proof"),
                }
            }
        }
        Role::DialIn(dial_in) => {
            row("lines", &dial_in.lines.len().to_string());
            let names = dial_in.users.names().into_iter().map(|name| name.to_string());
            row("users", &escaped(&names.collect::<Vec<_>>().join(", ")));
        }
    }
    for (label, password) in secrets.passwords(name, used) {
        let of = if label.is_empty() { String::new() } else { format!(" of {}", escaped(label)) };
        row(&format!("password{of}"), &format!("<code>{}</code>", escaped(password)));
    }
    if let Some(peer) = peer(name, site) {
        row("for the other end of the VPN", &format!("<pre>{}</pre>", escaped(&peer)));
    }
    html += "</dl>\n</section>\n";
    Ok(html)
}

/// A QR code, with the four modules of margin that the standard asks for (ISO/IEC 18004 §6.3.8).
fn qr(text: &str) -> Result<String> {
    const MARGIN: usize = 4;
    let code =
        QrCode::with_error_correction_level(text, EcLevel::M).context(|| "cannot make a QR code".into())?;
    let width = code.width();
    let size = width + 2 * MARGIN;
    let mut path = String::new();
    let modules = code.to_colors();
    for (y, row) in modules.chunks(width).enumerate() {
        let mut x = 0;
        while x < width {
            let dark = row[x..].iter().take_while(|module| **module == Color::Dark).count();
            if dark > 0 {
                let _ = write!(path, "M{} {}h{dark}v1h-{dark}z", x + MARGIN, y + MARGIN);
            }
            x += dark.max(1);
        }
    }
    Ok(format!(
        "<svg viewBox=\"0 0 {size} {size}\" shape-rendering=\"crispEdges\" role=\"img\" \
         aria-label=\"QR code of the secret for one-time codes\"><path d=\"{path}\"/></svg>\n"
    ))
}

/// As text of HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws the path of a QR code and reads its modules back, the margin included.
    #[test]
    fn the_picture_has_every_module_of_the_code_and_a_margin() {
        let text = "otpauth://totp/dialbox:cabin?secret=GEZDGNBVGY3TQOJQ";
        let code = QrCode::with_error_correction_level(text, EcLevel::M).unwrap();
        let size = code.width() + 8;
        let svg = qr(text).unwrap();
        assert!(svg.contains(&format!("viewBox=\"0 0 {size} {size}\"")), "{svg}");
        let path = svg.split_once(" d=\"").unwrap().1.split_once('"').unwrap().0;
        let mut drawn = vec![vec![Color::Light; size]; size];
        for run in path.split('M').skip(1) {
            let (at, rest) = run.split_once('h').unwrap();
            let (x, y) = at.split_once(' ').unwrap();
            let [x, y, length]: [usize; 3] =
                [x, y, rest.split_once('v').unwrap().0].map(|it| it.parse().unwrap());
            drawn[y][x..x + length].fill(Color::Dark);
        }
        let inside = drawn[4..size - 4].iter().flat_map(|row| row[4..size - 4].iter().copied());
        assert!(inside.eq(code.to_colors()));
        let dark = |modules: &[Color]| modules.iter().filter(|module| **module == Color::Dark).count();
        assert_eq!(
            drawn.iter().map(|row| dark(row)).sum::<usize>(),
            dark(&code.to_colors()),
            "the margin is light"
        );
    }

    #[test]
    fn no_text_of_a_site_can_be_markup() {
        assert_eq!(escaped("<b a=\"1\">&"), "&lt;b a=&quot;1&quot;&gt;&amp;");
    }
}

//! The keys for login over the network.

use super::text::{Invalid, Text, checked_string};
use base64ct::{Base64, Encoding};

checked_string! {
    /// A public key as in `authorized_keys`, without options: type, key, comment.
    SshKey
}

/// The TCP port of the server (`/etc/init.d/ssh`).
pub(super) const PORT: u16 = 22;

/// The types that dropbear supports and users still create.
const TYPES: [&str; 7] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-rsa",
];

/// Bytes of an RSA key of 2048 bits: its type, its exponent and its modulus, each with a length.
const SHORTEST_RSA: usize = 4 + 7 + 4 + 3 + 4 + 257;

/// dropbear reads lines of 4200 characters at most (svr-authpubkey.c, `MAX_AUTHKEYS_LINE`).
const LONGEST_COMMENT: usize = 200;

impl Text for SshKey {
    const EXPECTED: &'static str = "a public key of ssh";

    fn from_text(text: &str) -> Result<Self, Invalid> {
        let wrong = |why: &str| {
            // Not quoted: it may be a private key.
            Err(Invalid::new(
                why,
                "copy the one line of ~/.ssh/id_ed25519.pub, as in \"ssh-ed25519 AAAA… me\"",
            ))
        };
        if text.contains("PRIVATE KEY") {
            return wrong("this is a private key: it must not leave the machine where it was made");
        }
        let mut words = text.splitn(3, ' ');
        let (kind, key) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let comment = words.next().unwrap_or_default();
        if !TYPES.contains(&kind) {
            return wrong("this does not begin with the type of a public key that dropbear takes");
        }
        if !is_whole(kind, key) {
            return wrong("this key is not whole, or not of its type");
        }
        if kind == "ssh-rsa" && key.len() / 4 * 3 < SHORTEST_RSA {
            return wrong("this RSA key has less than 2048 bits");
        }
        if comment.len() > LONGEST_COMMENT || comment.chars().any(char::is_control) {
            return wrong("the comment of this key is too long or has a control character");
        }
        Ok(Self(text.to_owned()))
    }
}

/// Whether a key in base64 is a list of fields, each after its length (RFC 4251 §5, `string`), and its first field is
/// its type (RFC 4253 §6.6).
fn is_whole(kind: &str, key: &str) -> bool {
    let Ok(blob) = Base64::decode_vec(key) else {
        return false;
    };
    let mut rest = blob.as_slice();
    let mut fields = Vec::new();
    while let Some((length, tail)) = rest.split_first_chunk() {
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let Some((field, tail)) = tail.split_at_checked(length) else {
            return false;
        };
        fields.push(field);
        rest = tail;
    }
    let ed25519 = kind != "ssh-ed25519" || fields.last().is_some_and(|point| point.len() == 32);
    rest.is_empty() && fields.len() > 1 && fields[0] == kind.as_bytes() && ed25519
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str = "AAAAC3NzaC1lZDI1NTE5AAAAILmYoNvgJvhHM5aBxq3WGNzQ+eQFVHXhXoRyNzMNjYw5";

    #[test]
    fn a_public_key_is_accepted_as_ssh_keygen_writes_it() {
        let rsa = |bits: usize| {
            let mut blob = b"\0\0\0\x07ssh-rsa\0\0\0\x03\x01\0\x01".to_vec();
            let modulus = bits / 8 + 1;
            blob.extend(u32::try_from(modulus).unwrap().to_be_bytes());
            blob.extend(vec![0x55; modulus]);
            format!("ssh-rsa {} me", Base64::encode_string(&blob))
        };
        for (text, good) in [
            (format!("ssh-ed25519 {ED25519} me@home"), true),
            (format!("ssh-ed25519 {ED25519}"), true),
            (format!("ssh-ed25519 {ED25519} Jöran, the old laptop"), true),
            (rsa(2048), true),
            (rsa(4096), true),
            (rsa(1024), false),
            (format!("ssh-rsa {ED25519} me"), false),
            (format!("ssh-ed25519 {} me", &ED25519[..64]), false),
            (format!("ssh-ed25519 {} me", &ED25519[..67]), false),
            (format!("ssh-ed25519 {ED25519}\nssh-ed25519 {ED25519}"), false),
            (format!("ssh-ed25519 {ED25519} me\nssh-ed25519 {ED25519}"), false),
            (format!("command=\"reboot\" ssh-ed25519 {ED25519}"), false),
            (format!("ssh-dss {ED25519}"), false),
            (ED25519.to_owned(), false),
            ("-----BEGIN OPENSSH PRIVATE KEY-----".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(text.parse::<SshKey>().is_ok(), good, "{text}");
        }
    }
}

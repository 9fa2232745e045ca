//! One good signature is enough; without one, the error says why each was refused.

use std::fmt;

use pgp::{
    composed::CleartextSignedMessage,
    crypto::hash::HashAlgorithm,
    packet::{Signature, SignatureType},
    types::Timestamp,
};

use crate::keyring::{Keyring, Unusable, date};

/// Why one signature does not count.
#[derive(Debug)]
enum SignatureRefusal {
    UnknownKey { issuer: String },
    UnusableKey { key: String, why: Unusable },
    WeakHash { hash: HashAlgorithm },
    NotATextSignature,
    FromTheFuture { made: Timestamp },
    Expired { end: Timestamp },
    Bad { key: String },
}

/// The text that at least one key of the keyring has signed, with `\n` line ends; or one line for each signature with
/// the reason for its refusal.
pub fn signed_text(message: &str, keyring: &Keyring, now: Timestamp) -> Result<String, String> {
    let (message, _) = CleartextSignedMessage::from_string(message)
        .map_err(|error| format!("not a clear-signed message: {error}"))?;
    let text = message.signed_text();
    let mut refusals = Vec::new();
    for signature in message.signatures() {
        match judge(signature, text.as_bytes(), keyring, now) {
            Ok(()) => return Ok(text.replace("\r\n", "\n")),
            Err(refusal) => refusals.push(format!("{refusal}")),
        }
    }
    if refusals.is_empty() {
        refusals.push("there is no signature in it".to_owned());
    }
    Err(refusals.join("\n"))
}

fn judge(
    signature: &Signature,
    text: &[u8],
    keyring: &Keyring,
    now: Timestamp,
) -> Result<(), SignatureRefusal> {
    if !matches!(signature.typ(), Some(SignatureType::Text | SignatureType::Binary)) {
        return Err(SignatureRefusal::NotATextSignature);
    }
    match signature.hash_alg() {
        Some(HashAlgorithm::Sha256 | HashAlgorithm::Sha384 | HashAlgorithm::Sha512) => {}
        hash => {
            return Err(SignatureRefusal::WeakHash { hash: hash.unwrap_or(HashAlgorithm::None) });
        }
    }
    let made = signature.created().unwrap_or_default();
    if made > now {
        return Err(SignatureRefusal::FromTheFuture { made });
    }
    if let Some(end) = expiry(signature, made).filter(|end| *end <= now) {
        return Err(SignatureRefusal::Expired { end });
    }
    let mut refusal = SignatureRefusal::UnknownKey { issuer: issuer(signature) };
    for key in keyring.makers_of(signature) {
        if let Err(why) = key.usable(now) {
            refusal = SignatureRefusal::UnusableKey { key: key.to_string(), why };
        } else if key.has_signed(text, signature) {
            return Ok(());
        } else {
            refusal = SignatureRefusal::Bad { key: key.to_string() };
        }
    }
    Err(refusal)
}

fn expiry(signature: &Signature, made: Timestamp) -> Option<Timestamp> {
    let lifetime = signature.signature_expiration_time()?.as_secs();
    (lifetime > 0).then(|| Timestamp::from_secs(made.as_secs().saturating_add(lifetime)))
}

fn issuer(signature: &Signature) -> String {
    let fingerprint = signature.issuer_fingerprint().first().map(|it| format!("{it:X}"));
    let key_id = || signature.issuer_key_id().first().map(|it| it.to_string().to_uppercase());
    fingerprint.or_else(key_id).unwrap_or_else(|| "an unnamed key".to_owned())
}

impl fmt::Display for SignatureRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKey { issuer } => {
                write!(f, "unknown key: {issuer} is in none of the keyrings")
            }
            Self::UnusableKey { key, why } => write!(f, "unusable key: {why}: {key}"),
            Self::WeakHash { hash } => write!(f, "weak hash: {hash} can be forged"),
            Self::NotATextSignature => f.write_str("not a signature over text"),
            Self::FromTheFuture { made } => write!(f, "made in the future: {}", date(*made)),
            Self::Expired { end } => write!(f, "the signature expired on {}", date(*end)),
            Self::Bad { key } => write!(f, "bad signature: the text is not what was signed by {key}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    // Keys and messages were made with GnuPG 2.2 and --faked-system-time: keys on 1 January 2026
    // (autumn's runs out a year later), signatures on 1 March.
    const SIGNED: u32 = 1_772_323_200;
    const APRIL: u32 = 1_775_000_000;
    const YEAR_2028: u32 = 1_830_000_000;

    fn data(name: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
    }

    fn verify(message: &str, keys: &[&str], now: u32) -> Result<String, String> {
        let files: Vec<_> = keys.iter().map(|it| data(it)).collect();
        signed_text(message, &Keyring::load(&files).unwrap(), Timestamp::from_secs(now))
    }

    fn message(name: &str) -> String {
        fs::read_to_string(data(name)).unwrap()
    }

    #[test]
    fn the_signed_text_is_returned_without_the_dashes_of_clear_signing() {
        assert_eq!(
            verify(&message("signed-by-both.txt"), &["autumn.asc"], APRIL).unwrap(),
            "Origin: Fixture\nSuite: test\nDescription: -- a line that is dash-escaped\n\
             - and one that looks escaped\nSHA256:\n 00 0 main/binary-armel/Packages.xz\n-- dashes at the start"
        );
    }

    #[test]
    fn one_known_key_is_enough_ed25519_or_an_rsa_subkey() {
        let both = message("signed-by-both.txt");
        assert!(verify(&both, &["autumn.asc"], APRIL).is_ok());
        assert!(verify(&both, &["winter.asc"], APRIL).is_ok());
        assert!(verify(&both, &["autumn.asc", "winter.asc"], YEAR_2028).is_ok(), "winter does not run out");
    }

    #[test]
    fn each_refusal_says_why() {
        let cases: [(&str, &[&str], u32, &str); 7] = [
            (
                "signed-by-stranger.txt",
                &["autumn.asc", "winter.asc"],
                APRIL,
                "unknown key: 8C45ADA3B0E51BA198D0DC7D5015F81935100F66",
            ),
            ("signed-by-autumn.txt", &["autumn.asc"], YEAR_2028, "the key expired on Fri, 01 Jan 2027"),
            ("signed-by-autumn.txt", &["autumn.asc"], SIGNED - 1, "made in the future: Sun, 01 Mar 2026"),
            ("signed-by-both.txt", &["winter-revoked.asc"], APRIL, "the key was revoked"),
            ("signed-with-sha1.txt", &["winter.asc"], APRIL, "weak hash: SHA1"),
            ("expired-signature.txt", &["winter.asc"], APRIL, "the signature expired on Wed, 11 Mar 2026"),
            ("autumn.asc", &["autumn.asc"], APRIL, "not a clear-signed message"),
        ];
        for (name, keys, now, why) in cases {
            let error = verify(&message(name), keys, now).unwrap_err();
            assert!(error.contains(why), "{name}: {error}");
        }
    }

    #[test]
    fn one_changed_byte_is_a_bad_signature() {
        let forged = message("signed-by-both.txt").replace(" 00 0 main", " 01 0 main");
        let error = verify(&forged, &["autumn.asc", "winter.asc"], APRIL).unwrap_err();
        assert_eq!(error.lines().filter(|it| it.starts_with("bad signature: ")).count(), 2, "{error}");
    }

    #[test]
    fn text_outside_the_signature_is_refused() {
        let signed = message("signed-by-both.txt");
        for smuggled in [format!("Suite: evil\n{signed}"), format!("{signed}Suite: evil\n")] {
            assert!(verify(&smuggled, &["autumn.asc"], APRIL).is_err());
        }
    }

    #[test]
    fn the_archive_keys_of_this_project_can_be_read() {
        let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../image/keys");
        let files: Vec<_> = fs::read_dir(keys).unwrap().map(|it| it.unwrap().path()).collect();
        let files: Vec<_> =
            files.into_iter().filter(|it| it.extension().is_some_and(|it| it == "asc")).collect();
        assert_eq!(files.len(), 5);
        Keyring::load(&files).unwrap();
    }
}

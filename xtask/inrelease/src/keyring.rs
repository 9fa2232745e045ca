//! The trusted keys, and whether one of them may sign at a given time.
//!
//! rPGP verifies signatures and leaves the policy to its caller. The policy here is that of gpgv, which apt used for
//! twenty years: a key that is revoked or has expired *now* does not count, whenever it signed.

use std::{
    fmt, fs,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use pgp::{
    composed::{Deserializable, SignedPublicKey},
    packet::{Signature, SignatureType},
    types::{KeyDetails, Timestamp, VerifyingKey},
};

/// Certificates whose self-signatures are good.
pub struct Keyring(Vec<SignedPublicKey>);

/// A primary key or a subkey that can make signatures, and the certificate it belongs to.
pub struct SigningKey<'a> {
    certificate: &'a SignedPublicKey,
    key: &'a dyn Candidate,
    binding: Vec<&'a Signature>,
    revoked: bool,
}

/// Why a key does not count at this moment.
#[derive(Debug, PartialEq, Eq)]
pub enum Unusable {
    /// A revocation was found with it.
    Revoked,
    /// It expired at this time.
    Expired(Timestamp),
    /// It is not a signing key.
    NotForSigning,
}

/// What [`SigningKey`] needs of a primary key and of a subkey alike.
trait Candidate: KeyDetails {
    fn has_signed(&self, text: &[u8], signature: &Signature) -> bool;
}

impl<K: VerifyingKey> Candidate for K {
    fn has_signed(&self, text: &[u8], signature: &Signature) -> bool {
        signature.verify(self, text).is_ok()
    }
}

impl Keyring {
    /// Reads armoured keyrings; a certificate with a bad self-signature is an error.
    pub fn load(files: &[PathBuf]) -> Result<Self, String> {
        let mut certificates = Vec::new();
        for file in files {
            let broken =
                |error: &dyn fmt::Display| format!("cannot read the keyring {}: {error}", file.display());
            let armoured = fs::read_to_string(file).map_err(|error| broken(&error))?;
            let (keys, _) = SignedPublicKey::from_string_many(&armoured).map_err(|error| broken(&error))?;
            for key in keys {
                let key = key.map_err(|error| broken(&error))?;
                key.verify_bindings().map_err(|error| broken(&error))?;
                certificates.push(key);
            }
        }
        Ok(Self(certificates))
    }

    /// The keys that this signature names as its issuer.
    pub fn makers_of<'a>(&'a self, signature: &Signature) -> Vec<SigningKey<'a>> {
        let ids = signature.issuer_key_id();
        let fingerprints = signature.issuer_fingerprint();
        let named = |it: &SigningKey| {
            fingerprints.contains(&&it.key.fingerprint())
                || (fingerprints.is_empty() && ids.contains(&&it.key.legacy_key_id()))
        };
        self.0.iter().flat_map(signing_keys).filter(named).collect()
    }
}

fn signing_keys(certificate: &SignedPublicKey) -> Vec<SigningKey<'_>> {
    let details = &certificate.details;
    let revoked = !details.revocation_signatures.is_empty();
    let primary = SigningKey {
        certificate,
        key: &certificate.primary_key,
        binding: primary_bindings(certificate),
        revoked,
    };
    let subkeys = certificate.public_subkeys.iter().map(|subkey| SigningKey {
        certificate,
        key: &subkey.key,
        binding: subkey
            .signatures
            .iter()
            .filter(|it| it.typ() == Some(SignatureType::SubkeyBinding))
            .collect(),
        revoked: revoked
            || subkey.signatures.iter().any(|it| it.typ() == Some(SignatureType::SubkeyRevocation)),
    });
    std::iter::once(primary).chain(subkeys).collect()
}

fn primary_bindings(certificate: &SignedPublicKey) -> Vec<&Signature> {
    let details = &certificate.details;
    let of_users = details.users.iter().flat_map(|user| &user.signatures).filter(|it| it.is_certification());
    details.direct_signatures.iter().chain(of_users).collect()
}

impl SigningKey<'_> {
    /// Whether it may sign at this moment.
    pub fn usable(&self, now: Timestamp) -> Result<(), Unusable> {
        if self.revoked {
            return Err(Unusable::Revoked);
        }
        if !latest(&self.binding).is_some_and(|it| it.key_flags().sign()) {
            return Err(Unusable::NotForSigning);
        }
        let certificate = expiry(self.certificate.created_at(), &primary_bindings(self.certificate));
        let own = expiry(self.key.created_at(), &self.binding);
        match certificate.into_iter().chain(own).min() {
            Some(end) if end <= now => Err(Unusable::Expired(end)),
            _ => Ok(()),
        }
    }

    /// Whether it made this signature, over this text.
    pub fn has_signed(&self, text: &[u8], signature: &Signature) -> bool {
        self.key.has_signed(text, signature)
    }
}

impl fmt::Display for SigningKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}", self.key.fingerprint())?;
        match self.certificate.details.users.first() {
            Some(user) => write!(f, " ({})", String::from_utf8_lossy(user.id.id())),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Revoked => f.write_str("the key was revoked"),
            Self::Expired(end) => write!(f, "the key expired on {}", date(*end)),
            Self::NotForSigning => f.write_str("the key is not for signing"),
        }
    }
}

/// A time as text.
pub fn date(moment: Timestamp) -> String {
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(moment.as_secs().into()))
}

/// RFC 9580 §5.2.3.10: of several self-signatures the most recent one applies.
fn latest<'a>(signatures: &[&'a Signature]) -> Option<&'a Signature> {
    signatures.iter().max_by_key(|it| it.created()).copied()
}

fn expiry(created: Timestamp, binding: &[&Signature]) -> Option<Timestamp> {
    let lifetime = latest(binding)?.key_expiration_time()?.as_secs();
    // RFC 9580 §5.2.3.13: zero means never.
    (lifetime > 0).then(|| Timestamp::from_secs(created.as_secs().saturating_add(lifetime)))
}

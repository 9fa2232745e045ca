//! WireGuard's keys.

use base64ct::{Base64, Encoding};
use curve25519_dalek::montgomery::MontgomeryPoint;

/// A private key of these random bytes, as `wg genkey` prints one.
pub fn private_key(mut random: [u8; 32]) -> String {
    // RFC 7748 §5, decodeScalar25519; `wg genkey` writes the key after that step.
    random[0] &= 248;
    random[31] = random[31] & 127 | 64;
    Base64::encode_string(&random)
}

/// The public key of a private one, as `wg pubkey` prints it; `None` if it is none.
pub fn public_key(private: &str) -> Option<String> {
    let private: [u8; 32] = Base64::decode_vec(private).ok()?.try_into().ok()?;
    Some(Base64::encode_string(MontgomeryPoint::mul_base_clamped(private).as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7748 §6.1, Alice's and Bob's keys.
    #[test]
    fn the_public_key_is_that_of_the_rfc() {
        for (private, public) in [
            ("dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=", "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo="),
            ("XasIfmJKikt54X+Lg4AO5m87sSkmGLb9HC+LJ/+I4Os=", "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08="),
        ] {
            assert_eq!(public_key(private).as_deref(), Some(public));
        }
        assert_eq!(public_key("AAAA"), None);
    }

    #[test]
    fn a_private_key_is_clamped_and_its_bits_do_not_change_the_public_one() {
        let random = [0xff; 32];
        let key = private_key(random);
        assert_eq!(key, "+P///////////////////////////////////////38=");
        assert_eq!(public_key(&key), public_key(&Base64::encode_string(&random)));
    }
}

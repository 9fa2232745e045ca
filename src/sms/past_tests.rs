use super::*;
use crate::site::Digits;
use proptest::prelude::*;

fn hotp(secret: &str) -> Proof {
    Proof::Hotp(OneTimeCode { secret: secret.repeat(2).parse().unwrap(), digits: Digits::Eight })
}

fn ours() -> Proof {
    hotp("JBSWY3DPEHPK3PXP")
}

fn other() -> Proof {
    hotp("GEZDGNBVGY3TQOJQ")
}

fn known_of(proof: &Proof, used: u64, handled: &[Fingerprint]) -> Past {
    let secret = SecretMark::from_proof(proof);
    Past::Known(Accepted { secret, used: Some(used), handled: handled.to_vec() })
}

fn known(used: u64) -> Past {
    known_of(&ours(), used, &[])
}

#[test]
fn the_later_of_two_pasts_counts_and_without_either_it_is_lost() {
    use Past::{Lost, NewCard};
    for (what, stored, copied, past) in [
        ("a new card", None, Some(NewCard), NewCard),
        ("its first boot has stored that", Some(NewCard), Some(NewCard), NewCard),
        ("both are there", Some(known(7)), Some(known(7)), known(7)),
        ("the power failed between the two writes", Some(known(8)), Some(known(7)), known(8)),
        ("so it did at the first code", Some(known(0)), Some(NewCard), known(0)),
        ("the state partition could not be written", Some(known(7)), Some(known(8)), known(8)),
        ("state is lost", None, Some(known(7)), known(7)),
        ("the copy is lost", Some(known(7)), None, known(7)),
        ("the copy of a new card is lost", Some(NewCard), None, NewCard),
        ("both are lost", None, None, Lost),
        ("both were lost", Some(Lost), Some(Lost), Lost),
        ("so they were, and a still earlier state has come back", Some(NewCard), Some(Lost), Lost),
        ("both were lost, and then state", None, Some(Lost), Lost),
        ("an earlier state has come back", Some(NewCard), Some(known(7)), known(7)),
        ("the image was written again, state has survived", Some(known(7)), Some(NewCard), known(7)),
        ("the same after a loss", Some(Lost), Some(NewCard), Lost),
    ] {
        assert_eq!(Past::recall(Some(&ours()), stored, copied), past, "{what}");
    }
}

#[test]
fn of_two_secrets_the_site_s_counts() {
    let (old, new) = (known_of(&other(), 90, &[]), known(3));
    for (stored, copied, past) in [(&old, &new, &new), (&new, &old, &new), (&old, &old, &old)] {
        assert_eq!(Past::recall(Some(&ours()), Some(stored.clone()), Some(copied.clone())), *past);
    }
    // A site without [sms] keeps the past.
    assert_eq!(Past::recall(None, Some(old.clone()), Some(new)), old);
}

#[test]
fn messages_of_both_places_are_known() {
    let (stored, copied) = (known_of(&ours(), 7, &[1, 2]), known_of(&ours(), 8, &[2, 3]));
    let past = Past::recall(Some(&ours()), Some(stored), Some(copied));
    assert_eq!(past, known_of(&ours(), 8, &[1, 2, 3]));
}

#[test]
fn a_damaged_record_counts_as_lost() {
    for text in ["", "used=7\n", "secret=hotp-1\n", "secret=hotp-1\nused=\n", "codes=old\n", "secret"] {
        assert_eq!(Past::from_record(&Record::parse(text)), None, "{text:?}");
    }
    let damaged = Record::parse("secret=totp-1\nused=18446744073709551616\nhandled=1\n");
    assert_eq!(Past::from_record(&damaged), None);
    // A damaged message costs only itself.
    let text = known_of(&ours(), 7, &[1, 2]).to_record().to_string().replace("0000000000000001", "zz");
    assert_eq!(Past::from_record(&Record::parse(&text)), Some(known_of(&ours(), 7, &[2])));
}

proptest! {
    #[test]
    fn a_past_is_the_same_after_writing_and_reading(used in any::<u64>(), handled in prop::collection::vec(any::<u64>(), 0..80)) {
        let read = |record: Record| Past::from_record(&Record::parse(&record.to_string()));
        for past in [known_of(&ours(), used, &handled), Past::NewCard, Past::Lost] {
            prop_assert_eq!(read(past.to_record()), Some(past));
        }
        let newest = &handled[handled.len().saturating_sub(COPIED)..];
        let copied = read(known_of(&ours(), used, &handled).to_copy());
        prop_assert_eq!(copied, Some(known_of(&ours(), used, newest)));
    }
}

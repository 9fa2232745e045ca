//! Any messages, forged ones included: a command is accepted only from the owner's number, with a code whose moving
//! factor is in the window and later than every accepted one, also after a restart. The owner's fresh code is always
//! accepted while attempts are left.
#![no_main]

use std::time::Duration;

use dialbox::clock::WallClock;
use dialbox::record::Record;
use dialbox::site::{Digits, OneTimeCode, Proof, Sms};
use dialbox::sms::gate::{Gate, GateRefusal};
use dialbox::sms::past::Past;
use dialbox::sms::pdu::{Body, Deliver, ServiceCentreTime};
use dialbox::sms::proof::{STEP, code};
use libfuzzer_sys::fuzz_target;

const OWNER: &str = "+33612345678";
const STRANGER: &str = "+33699999999";
/// 2026-07-14 03:59:58 UTC.
const TIME: i64 = 1_784_001_598;

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, messages)) = bytes.split_first() else { return };
    // 32 characters of base 32 are 160 bits.
    let secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP".parse().expect("a secret of 160 bits");
    let expected = OneTimeCode { secret, digits: Digits::Six };
    let is_totp = kind & 1 == 0;
    let proof = if is_totp { Proof::Totp(expected.clone()) } else { Proof::Hotp(expected.clone()) };
    // `OWNER` is a valid number.
    let site = Sms { numbers: vec![OWNER.parse().expect("a number")], proof, may_set: true };
    let start = Duration::from_secs(TIME.unsigned_abs());
    let mut gate = Gate::new(&site, &Past::NewCard, start);
    let mut remembered = Past::NewCard;
    let mut last: Option<u64> = None;
    let mut wall = TIME;
    for (index, message) in messages.chunks_exact(3).enumerate() {
        let &[flags, delta, wait] = message else { continue };
        wall += i64::from(wait);
        if flags & 0x80 != 0 {
            // The state partition is there or not, and so is the second copy; one of them is.
            let read = |record: Record| Past::from_record(&Record::parse(&record.to_string()));
            let stored = read(remembered.to_record()).filter(|_| delta & 3 != 0);
            let copied = read(remembered.to_copy()).filter(|_| delta & 3 != 1);
            gate = Gate::new(&site, &Past::recall(Some(&site.proof), stored, copied), start);
        }
        let window = if is_totp {
            let step = wall.unsigned_abs() / STEP;
            step - 3..=step + 1
        } else {
            let next = last.map_or(0, |last| last + 1);
            next..=next + 9
        };
        // A code from around the window, or one that is hardly valid.
        let typed = match flags & 0x40 {
            0 => code(&expected, window.start().saturating_add_signed(i64::from(delta as i8 / 8))),
            _ => u32::from_be_bytes([0, flags & 0xf, delta, wait]) % 1_000_000,
        };
        let from = if flags & 0x20 == 0 { OWNER } else { STRANGER };
        let sent = wall + i64::try_from(index % 4).unwrap_or(0);
        let deliver = Deliver {
            // Both constants are valid numbers.
            from: from.parse().expect("a number"),
            // At most 51 minutes a message after 2026 stays within the century.
            sent: ServiceCentreTime::new(sent, 8).expect("this century"),
            body: Body::Text(format!("status {typed:06}")),
            part: None,
        };
        let is_fresh =
            |factor: &u64| code(&expected, *factor) == typed && last.is_none_or(|last| *factor > last);
        let fresh = window.clone().find(is_fresh).filter(|_| from == OWNER);
        match (gate.judge(&deliver, WallClock::Known(wall), Duration::from_secs(wall.unsigned_abs())), fresh)
        {
            (Ok(order), Some(factor)) => {
                last = Some(factor);
                remembered = order.remember;
            }
            (Ok(_), None) => panic!("accepted {typed:06} after {last:?}, {window:?}"),
            // An earlier message had the same text and time.
            (Err(GateRefusal::AlreadyHandled | GateRefusal::AlreadyRefused), _) => {}
            (Err(GateRefusal::TooManyFailures), _) => {}
            (Err(why), Some(_)) => panic!("the owner's {typed:06} is refused: {why}"),
            (Err(_), None) => {}
        }
    }
});

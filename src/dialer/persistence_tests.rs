//! With real files: a state directory, and a card with two slots. A test simulates a power cut by undoing the writes
//! after it.

use super::*;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use proptest::prelude::*;

use crate::clock::WallClock;
use crate::site::{Digits, OneTimeCode, Sms};
use crate::sms::pdu::{Body, Deliver, ServiceCentreTime};
use crate::sms::proof;
use crate::state::slots::SECTOR;
use crate::state::{new_card, slots};

const OWNER: &str = "+33612345678";
/// 2026-07-14 03:59:58 UTC.
const TIME: i64 = 1_784_001_598;

/// A box with its card.
struct TestBox {
    paths: Paths,
    log: Log,
    _dir: tempfile::TempDir,
}

type Sectors = [[u8; SECTOR]; 2];

impl TestBox {
    fn with_new_card() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        for made in [paths.state(), paths.path("/dev")] {
            fs::create_dir_all(made).unwrap();
        }
        let card = File::create(paths.card()).unwrap();
        for (offset, block) in new_card::blocks().unwrap() {
            card.write_all_at(&block, offset).unwrap();
        }
        let log = Log::new("test", &paths);
        // The log is discarded.
        File::create(paths.path("/dev/kmsg")).unwrap();
        Self { paths, log, _dir: dir }
    }

    fn start(&self) -> (Persistence<'_>, Remembered) {
        Persistence::open(&self.paths, Some(&sms().proof), &self.log)
    }

    fn sectors(&self) -> Sectors {
        let card = File::open(self.paths.card()).unwrap();
        OFFSETS.map(|offset| {
            let mut sector = [0; SECTOR];
            card.read_exact_at(&mut sector, offset).unwrap();
            sector
        })
    }

    fn set_sectors(&self, sectors: &Sectors) {
        let card = File::options().write(true).open(self.paths.card()).unwrap();
        for (offset, sector) in OFFSETS.into_iter().zip(sectors) {
            card.write_all_at(sector, offset).unwrap();
        }
    }

    fn store(&self) -> Store {
        Store::new(self.paths.state())
    }

    /// The state partition is formatted.
    fn lose_state(&self) {
        fs::remove_dir_all(self.paths.state()).unwrap();
        fs::create_dir(self.paths.state()).unwrap();
    }
}

fn codes() -> OneTimeCode {
    OneTimeCode { secret: "JBSWY3DPEHPK3PXP".repeat(2).parse().unwrap(), digits: Digits::Eight }
}

fn sms() -> Sms {
    Sms { numbers: vec![OWNER.parse().unwrap()], proof: Proof::Hotp(codes()), may_set: true }
}

/// A command with the code of this counter, sent as the n-th message.
fn order(counter: u64, number: i64) -> Deliver {
    Deliver {
        from: OWNER.parse().unwrap(),
        sent: ServiceCentreTime::new(TIME + number, 8).unwrap(),
        body: Body::Text(format!("status {:08}", proof::code(&codes(), counter))),
        part: None,
    }
}

/// The past to store if a message is obeyed.
fn judge(gate: &mut Gate, message: &Deliver) -> Option<Past> {
    let judged = gate.judge(message, WallClock::Floor(TIME), Duration::from_secs(1000));
    judged.ok().map(|order| order.remember)
}

fn gate(remembered: &Remembered) -> Gate {
    Gate::new(&sms(), &remembered.past, Duration::ZERO)
}

/// A box that has obeyed the codes up to this counter, and has a month.
fn after(counter: u64) -> TestBox {
    let test_box = TestBox::with_new_card();
    let (mut persistence, remembered) = test_box.start();
    let mut gate = gate(&remembered);
    for counter in 0..=counter {
        persistence.remember_past(judge(&mut gate, &order(counter, 0)).unwrap()).unwrap();
    }
    persistence.remember_session(&Record::parse("month=2026-07\nused=400\n")).unwrap();
    drop(persistence);
    test_box
}

#[test]
fn the_builder_writes_the_copy_of_a_box_without_a_past() {
    assert_eq!(new_card::record(), copy_of(&Past::NewCard, MonthTotal::default()));
}

#[test]
fn a_new_card_accepts_the_first_code_also_after_a_boot_without_any() {
    let test_box = TestBox::with_new_card();
    for _ in 0..3 {
        assert_eq!(test_box.start().1.past, Past::NewCard);
    }
    assert!(judge(&mut gate(&test_box.start().1), &order(0, 0)).is_some());
}

#[test]
fn each_place_is_repaired_from_the_other() {
    let july = Budget::after_a_cut(&Record::parse("month=2026-07\nused=400\n"));
    for (what, lose) in [
        ("state", TestBox::lose_state as fn(&TestBox)),
        ("the copy", |test_box| test_box.set_sectors(&[[0; SECTOR]; 2])),
        ("a slot", |test_box| test_box.set_sectors(&[[0; SECTOR], test_box.sectors()[1]])),
        ("the other slot", |test_box| test_box.set_sectors(&[test_box.sectors()[0], [0; SECTOR]])),
    ] {
        let test_box = after(5);
        lose(&test_box);
        let (mut persistence, remembered) = test_box.start();
        let mut gate = gate(&remembered);
        assert!((0..=5).all(|used| judge(&mut gate, &order(used, 1)).is_none()), "{what}");
        assert_eq!(Budget::after_a_cut(&remembered.session).max(remembered.copied), july, "{what}");
        // Each place is repaired: either may be lost now.
        let sectors = test_box.sectors();
        for sectors in [[sectors[0], [0; SECTOR]], [[0; SECTOR], sectors[1]]] {
            test_box.set_sectors(&sectors);
            let copy = CardRecord::open(test_box.paths.card(), OFFSETS).0;
            let copied = copy.content().and_then(Past::from_record);
            assert_eq!(copied.as_ref(), Some(&remembered.past), "{what}");
        }
        let stored = test_box.store().read(Gate::FILE).unwrap();
        assert_eq!(Past::from_record(&Record::parse(&stored)), Some(remembered.past), "{what}");
        persistence.remember_past(judge(&mut gate, &order(6, 1)).unwrap()).unwrap();
    }
}

#[test]
fn the_loss_of_both_places_is_stored() {
    let test_box = after(5);
    test_box.lose_state();
    test_box.set_sectors(&[[0xff; SECTOR]; 2]);
    assert_eq!(test_box.start().1.past, Past::Lost);
    test_box.lose_state();
    let (mut persistence, remembered) = test_box.start();
    assert_eq!(remembered.past, Past::Lost);
    persistence.remember_past(gate(&remembered).set_counter(5).unwrap()).unwrap();
    drop(persistence);
    test_box.lose_state();
    let mut gate = gate(&test_box.start().1);
    assert!(judge(&mut gate, &order(5, 1)).is_none());
    assert!(judge(&mut gate, &order(6, 1)).is_some());
}

#[test]
fn one_place_is_enough_to_obey_and_none_is_not() {
    let test_box = after(5);
    let (mut persistence, remembered) = test_box.start();
    let mut gate = gate(&remembered);
    let mut remember = |counter| persistence.remember_past(judge(&mut gate, &order(counter, 1)).unwrap());
    fs::remove_dir_all(test_box.paths.state()).unwrap();
    remember(6).unwrap();
    fs::remove_file(test_box.paths.card()).unwrap();
    assert!(remember(7).is_err());
    fs::create_dir(test_box.paths.state()).unwrap();
    remember(8).unwrap();
    assert!(persistence.copy_trouble().unwrap().contains("No such file"), "{:?}", persistence.copy_trouble());
}

#[test]
fn a_code_goes_into_both_slots_a_claim_into_one_and_a_healthy_start_into_none() {
    let test_box = after(5);
    let mut before = test_box.sectors();
    let mut changed = || {
        let after = test_box.sectors();
        let before = std::mem::replace(&mut before, after);
        before.iter().zip(&after).filter(|(before, after)| before != after).count()
    };
    let (mut persistence, remembered) = test_box.start();
    assert_eq!(changed(), 0);
    persistence.remember_past(judge(&mut gate(&remembered), &order(6, 1)).unwrap()).unwrap();
    assert_eq!(changed(), 2);
    persistence.remember_session(&Record::parse("month=2026-07\nused=400\nours=7\n")).unwrap();
    assert_eq!(changed(), 0);
    persistence.remember_session(&Record::parse("month=2026-07\nused=500\n")).unwrap();
    assert_eq!(changed(), 1);
}

#[test]
fn a_damaged_slot_does_not_make_a_used_code_valid_when_the_state_is_lost_too() {
    for bad in [0, 1] {
        for counter in [0, 5] {
            let test_box = TestBox::with_new_card();
            let (mut persistence, remembered) = test_box.start();
            let mut first = gate(&remembered);
            persistence.remember_past(judge(&mut first, &order(counter, 1)).unwrap()).unwrap();
            drop(persistence);
            test_box.lose_state();
            let mut sectors = test_box.sectors();
            sectors[bad] = [0; SECTOR];
            test_box.set_sectors(&sectors);
            let mut gate = gate(&test_box.start().1);
            assert!(judge(&mut gate, &order(counter, 2)).is_none());
            assert!(judge(&mut gate, &order(counter + 1, 2)).is_some());
        }
    }
}

#[test]
fn a_code_that_only_ram_would_remember_is_not_obeyed_if_it_would_be_good_again() {
    let totp = Proof::Totp(codes());
    for (proof, in_ram, has_card, is_obeyed) in [
        (sms().proof, true, true, true),
        (sms().proof, true, false, false),
        (sms().proof, false, false, true),
        (totp, true, false, true),
        (Proof::SenderOnly, true, false, true),
    ] {
        let test_box = TestBox::with_new_card();
        let state = if in_ram { BootStatus::IN_RAM } else { "clean" };
        test_box.paths.publish(record::BOOT, &Record::new().with("state", state)).unwrap();
        if !has_card {
            // Every write to it fails, and it reads as zeros (drivers/char/mem.c).
            fs::remove_file(test_box.paths.card()).unwrap();
            std::os::unix::fs::symlink("/dev/full", test_box.paths.card()).unwrap();
        }
        let (mut persistence, _) = Persistence::open(&test_box.paths, Some(&proof), &test_box.log);
        let remembered = persistence.remember_past(Past::NewCard);
        assert_eq!(remembered.is_ok(), is_obeyed, "{proof:?}, {in_ram}, {has_card}: {remembered:?}");
    }
}

#[test]
fn the_longest_content_fits_into_a_slot() {
    let handled = vec!["f".repeat(16); 64].join(" ");
    let text = format!("secret=hotp-ffffffff\nused={}\nhandled={handled}\n", u64::MAX);
    let past = Past::from_record(&Record::parse(&text)).unwrap();
    let month = MonthTotal { bytes: u64::MAX, ..MonthTotal::from_copy(&Record::parse("month=2026-12\n")) };
    assert!(slots::blocks(&copy_of(&past, month)).is_ok());
}

/// When the power fails between an accepted code and its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    BeforeStore,
    /// After so many bytes of a slot.
    InFirstSlot(usize),
    InSecondSlot(usize),
    BeforeOrder,
    Never,
}

fn cut() -> impl Strategy<Value = Cut> {
    prop_oneof![
        Just(Cut::BeforeStore),
        (0..=SECTOR).prop_map(Cut::InFirstSlot),
        (0..=SECTOR).prop_map(Cut::InSecondSlot),
        Just(Cut::BeforeOrder),
        Just(Cut::Never)
    ]
}

/// The content of the card before some writes.
struct Before {
    stored: Option<String>,
    sectors: Sectors,
}

impl TestBox {
    fn before(&self) -> Before {
        Before { stored: self.store().read(Gate::FILE), sectors: self.sectors() }
    }

    /// Undoes the writes after the power failure.
    fn cut_power(&self, cut: Cut, before: &Before) {
        // Of the two slots the older one is written first, and so the one with the lower number after both.
        let mut sectors = self.sectors();
        let number = |sector: &[u8; SECTOR]| u64::from_le_bytes(*sector[8..].first_chunk().unwrap());
        let first = usize::from(number(&sectors[1]) < number(&sectors[0]));
        let kept = match cut {
            Cut::BeforeStore => [0, 0],
            Cut::InFirstSlot(bytes) => [bytes, 0],
            Cut::InSecondSlot(bytes) => [SECTOR, bytes],
            Cut::BeforeOrder | Cut::Never => return,
        };
        for (at, kept) in [first, 1 - first].into_iter().zip(kept) {
            sectors[at][kept..].copy_from_slice(&before.sectors[at][kept..]);
        }
        self.set_sectors(&sectors);
        if cut == Cut::BeforeStore {
            match &before.stored {
                Some(text) => self.store().replace(Gate::FILE, text).unwrap(),
                None => self.store().clear(Gate::FILE).unwrap(),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Each step is a boot, which repairs what it finds, perhaps not to the end, and an order. The owner's app
    /// goes on by one or more each time. The cut of one order may cost the state partition, too.
    #[test]
    fn wherever_the_power_fails_no_code_is_obeyed_twice_and_the_next_one_is_obeyed(
        steps in prop::collection::vec((cut(), cut(), any::<bool>(), 1_u64..4), 1..8)
    ) {
        let test_box = TestBox::with_new_card();
        let (mut app, mut obeyed) = (0, Vec::new());
        for (number, (in_repair, in_order, is_formatted, pressed)) in (1..).zip(steps) {
            if is_formatted {
                test_box.lose_state();
            }
            let before = test_box.before();
            drop(test_box.start());
            test_box.cut_power(in_repair, &before);

            let (mut persistence, remembered) = test_box.start();
            let mut gate = gate(&remembered);
            for used in &obeyed {
                prop_assert_eq!(judge(&mut gate, &order(*used, number)), None, "{} again", used);
            }
            app += pressed;
            // So far ahead of what the box has surely stored may the app be (RFC 4226 §7.4).
            let next = obeyed.last().map_or(0, |last| last + 1);
            if app >= next + proof::LOOK_AHEAD {
                break;
            }
            let before = test_box.before();
            let past = judge(&mut gate, &order(app, number));
            prop_assert!(past.is_some(), "the owner's {} is refused", app);
            persistence.remember_past(past.unwrap()).unwrap();
            drop(persistence);
            test_box.cut_power(in_order, &before);
            if in_order == Cut::Never {
                obeyed.push(app);
            }
        }
    }
}

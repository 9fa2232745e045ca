//! The stored messages, and how modems differ.

use super::*;
use crate::modem::at::response::CommandError;
use proptest::prelude::*;

/// A message of 30 octets after the service centre's address.
const PDU: &str = "07911326040000F0040B911346610089F60000208062917314080CC8F71D14969741F977FD07";
const OTHER: &str = "07911326040000F0040B911346610089F60000208062917314080CC8F71D14969741F977FD08";

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

fn refused() -> Final {
    Final::Refused(CommandError::Messages("303".to_owned()))
}

fn now(_step: &Step) -> bool {
    true
}

/// The next command of the inbox, without a pace.
fn ask(inbox: &mut Inbox) -> Option<Step> {
    inbox.urgent(now).or_else(|| inbox.next(now))
}

/// All commands of the inbox until there is none, each with success and an empty answer.
fn run(inbox: &mut Inbox) -> Vec<Step> {
    let mut asked = Vec::new();
    while let Some(step) = ask(inbox) {
        match step {
            Step::SetStorages(memories) => inbox.storages_set(memories, &Final::Ok),
            Step::SelectStorage(selection) => inbox.storage_selected(selection, &Final::Ok),
            Step::Read(storage, index) => {
                inbox.read(storage, index, &Final::Ok, &lines(&["+CMGR: 1,,30", PDU]));
            }
            Step::Delete(storage, index) => {
                inbox.deleted(storage, index, &Final::Ok);
            }
            _ => {}
        }
        asked.push(step);
        assert!(asked.len() < 100, "{asked:?}");
    }
    asked
}

fn in_storage(storage: Storage) -> Inbox {
    let mut inbox = Inbox { storages: vec![Storage::Modem, Storage::Card], ..Inbox::default() };
    inbox.storages_set(Memories::all(storage), &Final::Ok);
    run(&mut inbox);
    inbox
}

const LIST: Step = Step::List(Storage::Modem);
const LIST_CARD: Step = Step::List(Storage::Card);

fn read(index: u16) -> Step {
    Step::Read(Storage::Modem, index)
}

fn delete(index: u16) -> Step {
    Step::Delete(Storage::Modem, index)
}

/// A message at this index was read and discarded.
fn discarded(index: u16) -> Inbox {
    let mut inbox = in_storage(Storage::Modem);
    inbox.unsolicited(&format!("+CMTI: \"ME\",{index}"));
    run(&mut inbox);
    inbox.discard(Place::Stored(Storage::Modem, index));
    inbox
}

/// Selects a storage on a modem whose messages arrive in its own.
fn select(read: Storage) -> Step {
    Step::SelectStorage(reading(read))
}

fn reading(read: Storage) -> Selection {
    Selection::from(Memories::all(Storage::Modem)).reading(read)
}

#[test]
fn a_storage_where_new_messages_can_be_read_is_used_and_preferably_the_modem_s_own() {
    let table = [
        (r#"+CPMS: ("SM","ME"),("SM","ME"),("SM","ME")"#, Some(Storage::Modem)),
        (r#"+CPMS: ("ME","MT","SM"),("ME","SM"),("SM")"#, Some(Storage::Card)),
        (r#"+CPMS: ("ME"),("ME"),("MT")"#, Some(Storage::Modem)),
        (r#"+CPMS: ("SM"),("SM"),("SM")"#, Some(Storage::Card)),
        (r#"+CPMS: ("MT"),("MT"),("MT")"#, Some(Storage::Both)),
        (r#"+CPMS: ("BM"),("BM"),("BM")"#, Some(Storage::Both)), // none that we know: unchanged
        ("", Some(Storage::Card)),                               // it does not say
    ];
    for (answer, expected) in table {
        let mut inbox = Inbox::default();
        inbox.storages(&lines(&[answer]));
        run(&mut inbox);
        assert_eq!(inbox.storage(), expected, "{answer}");
    }
}

#[test]
fn a_storage_that_is_refused_is_followed_by_the_next() {
    let mut inbox = Inbox::default();
    inbox.storages(&lines(&[r#"+CPMS: ("SM","ME"),("SM","ME"),("SM","ME")"#]));
    assert_eq!(inbox.urgent(now), Some(Step::SetStorages(Memories::all(Storage::Modem))));
    inbox.storages_set(Memories::all(Storage::Modem), &refused());
    assert_eq!(inbox.urgent(now), Some(Step::SetStorages(Memories::all(Storage::Card))));
    inbox.storages_set(Memories::all(Storage::Card), &Final::Ok);
    assert_eq!(inbox.storage(), Some(Storage::Card));
}

#[test]
fn earlier_messages_are_searched_in_every_storage() {
    let mut inbox = Inbox { storages: vec![Storage::Modem, Storage::Card], ..Inbox::default() };
    inbox.storages_set(Memories::all(Storage::Modem), &Final::Ok);
    let (card, modem) = (select(Storage::Card), select(Storage::Modem));
    assert_eq!(run(&mut inbox), [LIST, card, LIST_CARD, modem]);
    inbox.look();
    assert_eq!(run(&mut inbox), [LIST]);
    inbox.refresh();
    let settings = [Step::PduMode, Step::SetStorages(Memories::all(Storage::Modem))];
    assert_eq!(run(&mut inbox), [&settings[..], &[LIST, card, LIST_CARD, modem]].concat());
}

#[test]
fn a_message_is_read_again_in_its_storage_before_it_is_deleted_there() {
    let mut inbox = in_storage(Storage::Modem);
    assert!(inbox.unsolicited("+CMTI: \"SM\",2"));
    let (card, modem) = (select(Storage::Card), select(Storage::Modem));
    assert_eq!(run(&mut inbox), [card, Step::Read(Storage::Card, 2), modem]);
    inbox.discard(Place::Stored(Storage::Modem, 2));
    assert_eq!(run(&mut inbox), [], "there is none");
    inbox.discard(Place::Stored(Storage::Card, 2));
    let again = [Step::Read(Storage::Card, 2), Step::Delete(Storage::Card, 2)];
    assert_eq!(run(&mut inbox), [&[card], &again[..], &[modem]].concat());
}

#[test]
fn a_storage_that_cannot_be_selected_is_not_used_again() {
    let mut inbox = in_storage(Storage::Modem);
    inbox.unsolicited("+CMTI: \"SM\",2");
    assert_eq!(inbox.next(now), Some(select(Storage::Card)));
    inbox.storage_selected(reading(Storage::Card), &refused());
    assert_eq!(run(&mut inbox), []);
    inbox.refresh();
    assert!(!run(&mut inbox).contains(&select(Storage::Card)));
}

#[test]
fn urcs_of_messages_are_recognized() {
    let all = [LIST, select(Storage::Card), LIST_CARD, select(Storage::Modem)];
    for (line, expected) in [
        ("+CMTI: \"ME\",0", &[read(0)][..]),
        ("+CMTI: \"ME\",70000", &all),
        ("+CMTI: x", &all),
        ("^SMMEMFULL: \"SM\"", &all),
        ("+CMS ERROR: 322", &all),
        ("+CMS ERROR: 500", &[]),
        ("^RSSI:17", &[]),
    ] {
        let mut inbox = in_storage(Storage::Modem);
        assert_eq!(inbox.unsolicited(line), !expected.is_empty(), "{line}");
        assert_eq!(run(&mut inbox), expected, "{line}");
    }
}

#[test]
fn a_message_that_was_garbled_three_times_is_read_from_a_listing() {
    let mut inbox = in_storage(Storage::Modem);
    inbox.unsolicited("+CMTI: \"ME\",3");
    for _ in 0..3 {
        assert_eq!(ask(&mut inbox), Some(read(3)));
        assert_eq!(
            inbox.read(Storage::Modem, 3, &Final::Ok, &lines(&["+CMGR: 1,,30", "garbage"])),
            Read::Garbled
        );
    }
    assert_eq!(ask(&mut inbox), None);
    let cut = inbox.listed(Storage::Modem, &lines(&["+CMGL: 3,1,,30", "0791"]));
    assert_eq!((cut.new, ask(&mut inbox)), (vec![], None), "not read again while the listing is the same");
    let whole = inbox.listed(Storage::Modem, &lines(&["+CMGL: 3,1,,30", PDU]));
    assert_eq!(whole.new, [(Place::Stored(Storage::Modem, 3), PDU.to_owned())]);
}

#[test]
fn a_listed_message_is_reported_once_and_not_read_by_itself() {
    let mut inbox = in_storage(Storage::Modem);
    let list = lines(&["+CMGL: 3,1,,30", PDU, "+CMGL: 4,1,,30", OTHER]);
    let (first, second) = (Place::Stored(Storage::Modem, 3), Place::Stored(Storage::Modem, 4));
    let listed = inbox.listed(Storage::Modem, &list);
    assert_eq!(listed.new, [(first, PDU.to_owned()), (second, OTHER.to_owned())]);
    assert_eq!(ask(&mut inbox), None, "it need not be read by itself");
    assert_eq!(inbox.listed(Storage::Modem, &list).new, []);
    inbox.discard(second);
    assert_eq!(ask(&mut inbox), Some(delete(4)));
}

#[test]
fn several_new_messages_are_listed_and_not_read_one_by_one() {
    let mut inbox = in_storage(Storage::Modem);
    inbox.unsolicited("+CMTI: \"ME\",3");
    inbox.unsolicited("+CMTI: \"ME\",4");
    assert_eq!(ask(&mut inbox), Some(LIST));
    let is_ready = |step: &Step| !matches!(step, Step::List(_));
    assert_eq!(inbox.next(is_ready), Some(read(3)), "if it may not be listed yet");
}

#[test]
fn a_failed_deletion_is_repeated_and_a_new_message_in_its_place_is_kept() {
    for (listed, expected) in [(PDU, Some(delete(3))), (OTHER, None)] {
        for answer in [Final::Ok, refused()] {
            let mut inbox = discarded(3);
            assert_eq!(ask(&mut inbox), Some(delete(3)));
            inbox.deleted(Storage::Modem, 3, &answer);
            assert_eq!(ask(&mut inbox), None, "once is enough for now");
            let new = inbox.listed(Storage::Modem, &lines(&["+CMGL: 3,1,,30", listed])).new;
            // A deleted message that is listed again, word for word, has come a second time.
            let is_new = answer == Final::Ok || expected.is_none();
            assert_eq!(new.len(), usize::from(is_new), "{listed} {answer:?}");
            assert_eq!(ask(&mut inbox), expected.filter(|_| !is_new));
        }
    }
}

/// After another storage was selected, and after a URC for the same index.
#[test]
fn nothing_is_deleted_at_an_index_that_may_hold_another_message() {
    let answer = |pdu| lines(&["+CMGR: 1,,30", pdu]);
    let mut inbox = discarded(3);
    inbox.storage_selected(reading(Storage::Card), &Final::Ok);
    assert_eq!(ask(&mut inbox), Some(select(Storage::Modem)));
    inbox.storage_selected(reading(Storage::Modem), &Final::Ok);
    assert_eq!(ask(&mut inbox), Some(read(3)));
    let new = inbox.read(Storage::Modem, 3, &Final::Ok, &answer(OTHER));
    assert_eq!(new, Read::Message(Place::Stored(Storage::Modem, 3), OTHER.to_owned()));
    assert_eq!(ask(&mut inbox), None);

    let mut inbox = discarded(3);
    inbox.unsolicited("+CMTI: \"ME\",3");
    assert_eq!(ask(&mut inbox), Some(read(3)));

    let mut inbox = discarded(3);
    inbox.storage_selected(reading(Storage::Modem), &Final::Ok);
    assert_eq!(ask(&mut inbox), Some(read(3)));
    assert_eq!(inbox.read(Storage::Modem, 3, &Final::Ok, &answer("garbage")), Read::Garbled);
    let is_ready = |step: &Step| *step != read(3);
    assert_eq!(inbox.urgent(is_ready).or_else(|| inbox.next(is_ready)), Some(LIST), "a listing has it, too");
    assert_eq!(inbox.listed(Storage::Modem, &lines(&["+CMGL: 3,1,,30", PDU])).new, []);
    assert_eq!(ask(&mut inbox), Some(delete(3)));
}

#[test]
fn what_a_listing_leaves_out_is_reported_once_and_again_when_it_changes() {
    let mut inbox = in_storage(Storage::Modem);
    let (cut, whole) = (lines(&["+CMGL: 3,1,,30"]), lines(&["+CMGL: 3,1,,30", PDU]));
    let text = lines(&["+CMGL: 1,\"REC UNREAD\",\"+336\"", "connect"]);
    let table = [
        (&cut, Some(LeftOut::Entries(1))),
        (&cut, None),
        (&text, Some(LeftOut::TextMode)),
        (&text, None),
        (&whole, Some(LeftOut::Nothing)),
        (&whole, None),
    ];
    for (answer, expected) in table {
        assert_eq!(inbox.listed(Storage::Modem, answer).left_out, expected, "{answer:?}");
    }
}

#[test]
fn a_modem_that_lists_in_text_mode_gets_the_command_for_pdu_mode_again() {
    let mut inbox = in_storage(Storage::Modem);
    inbox.listed(Storage::Modem, &lines(&["+CMGL: 1,\"REC UNREAD\",\"+336\"", "connect"]));
    assert_eq!(run(&mut inbox), [Step::PduMode]);
}

#[test]
fn the_best_setting_of_cnmi_that_the_modem_offers_is_tried() {
    let table = [
        ("+CNMI: (0-2),(0-3),(0-3),(0-2),(0,1)", Some(0)),
        ("+CNMI: (2),(0-3),(0,2),(0,2),(0)", Some(1)),
        ("+CNMI: (0,1,2),(0,1),(0,2),(0),(0)", Some(2)),
        ("+CNMI: (0,1,2),(0,1),(0),(0),(0)", Some(3)),
        ("+CNMI: (0,1),(0,1),(0),(0),(0)", Some(4)),
        ("+CNMI: (2),(2),(0),(0),(0)", Some(5)),
        ("+CNMI: (0),(0),(0),(0),(0)", None),
        ("+CNMI: (0-2)", Some(0)), // it does not say
    ];
    for (answer, step) in table {
        let mut inbox = Inbox::default();
        inbox.report_options(&lines(&[answer]));
        assert_eq!(inbox.urgent(now), step.map(|at| Step::Cnmi(Cnmi::PREFERENCE[at])), "{answer}");
    }
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic(answer in prop::collection::vec("(\\+CMG[LR]: )?\\PC{0,20}", 0..4)) {
        let mut inbox = in_storage(Storage::Card);
        inbox.storages(&answer);
        inbox.report_options(&answer);
        inbox.service(&answer);
        inbox.listed(Storage::Card, &answer);
        inbox.read(Storage::Card, 1, &Final::Ok, &answer);
        for line in &answer {
            inbox.unsolicited(line);
        }
        run(&mut inbox);
    }
}

//! The messages that a modem holds, and how modems differ about them.

use super::*;
use crate::modem::at::response::CommandError;
use proptest::prelude::*;

/// A message of 30 octets behind the service centre's address.
const PDU: &str = "07911326040000F0040B911346610089F60000208062917314080CC8F71D14969741F977FD07";
const OTHER: &str = "07911326040000F0040B911346610089F60000208062917314080CC8F71D14969741F977FD08";

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

fn refused() -> Final {
    Final::Refused(CommandError::Messages("303".to_owned()))
}

/// All that the inbox asks, each with success but without an answer, until it asks nothing.
fn run(inbox: &mut Inbox) -> Vec<Step> {
    let mut asked = Vec::new();
    while let Some(step) = inbox.urgent().or_else(|| inbox.next()) {
        match step {
            Step::SetStorages(memories) => inbox.storages_set(memories, &Final::Ok),
            Step::SelectStorage(memories) => inbox.storage_selected(memories.read, &Final::Ok),
            Step::Read(index) => {
                inbox.read(index, &Final::Ok, &lines(&["+CMGR: 1,,30", PDU]));
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

/// To another storage, of a modem whose messages arrive in its own.
fn select(read: Storage) -> Step {
    Step::SelectStorage(Memories { read, ..Memories::all(Storage::Modem) })
}

#[test]
fn a_storage_where_new_messages_can_be_read_is_used_and_the_modem_s_own_first() {
    let table = [
        (r#"+CPMS: ("SM","ME"),("SM","ME"),("SM","ME")"#, Some(Storage::Modem)),
        (r#"+CPMS: ("ME","MT","SM"),("ME","SM"),("SM")"#, Some(Storage::Card)),
        (r#"+CPMS: ("ME"),("ME"),("MT")"#, Some(Storage::Modem)),
        (r#"+CPMS: ("SM"),("SM"),("SM")"#, Some(Storage::Card)),
        (r#"+CPMS: ("MT"),("MT"),("MT")"#, Some(Storage::Both)),
        (r#"+CPMS: ("BM"),("BM"),("BM")"#, Some(Storage::Both)), // none that we know: as it is
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
    assert_eq!(inbox.urgent(), Some(Step::SetStorages(Memories::all(Storage::Modem))));
    inbox.storages_set(Memories::all(Storage::Modem), &refused());
    assert_eq!(inbox.urgent(), Some(Step::SetStorages(Memories::all(Storage::Card))));
    inbox.storages_set(Memories::all(Storage::Card), &Final::Ok);
    assert_eq!(inbox.storage(), Some(Storage::Card));
}

#[test]
fn what_came_before_is_looked_for_in_every_storage() {
    let mut inbox = Inbox { storages: vec![Storage::Modem, Storage::Card], ..Inbox::default() };
    inbox.storages_set(Memories::all(Storage::Modem), &Final::Ok);
    let (card, modem) = (select(Storage::Card), select(Storage::Modem));
    assert_eq!(run(&mut inbox), [Step::List, card, Step::List, modem]);
    inbox.look();
    assert_eq!(run(&mut inbox), [Step::List]);
    inbox.refresh();
    let settings = [Step::PduMode, Step::SetStorages(Memories::all(Storage::Modem))];
    assert_eq!(run(&mut inbox), [&settings[..], &[Step::List, card, Step::List, modem]].concat());
}

#[test]
fn a_message_is_read_and_deleted_where_it_is() {
    let mut inbox = in_storage(Storage::Modem);
    assert!(inbox.unsolicited("+CMTI: \"SM\",2"));
    let (card, modem) = (select(Storage::Card), select(Storage::Modem));
    assert_eq!(run(&mut inbox), [card, Step::Read(2), modem]);
    inbox.discard(Place::Stored(Storage::Modem, 2));
    assert_eq!(run(&mut inbox), [], "there is none");
    inbox.discard(Place::Stored(Storage::Card, 2));
    assert_eq!(run(&mut inbox), [card, Step::Delete(2), modem]);
}

#[test]
fn a_storage_that_cannot_be_visited_is_forgotten() {
    let mut inbox = in_storage(Storage::Modem);
    inbox.unsolicited("+CMTI: \"SM\",2");
    assert_eq!(inbox.next(), Some(select(Storage::Card)));
    inbox.storage_selected(Storage::Card, &refused());
    assert_eq!(run(&mut inbox), []);
    inbox.refresh();
    assert!(!run(&mut inbox).contains(&select(Storage::Card)));
}

#[test]
fn notices_are_told_from_other_lines() {
    let all = [Step::List, select(Storage::Card), Step::List, select(Storage::Modem)];
    for (line, expected) in [
        ("+CMTI: \"ME\",0", &[Step::Read(0)][..]),
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
fn every_answer_to_cmgr_is_understood_or_asked_again() {
    let message = Read::Message(Place::Stored(Storage::Modem, 3), PDU.to_owned());
    let (cut, odd) = (&PDU[..40], &PDU[..41]);
    let table = [
        (vec!["+CMGR: 0,,30", PDU], message.clone()),
        (vec!["+CMGR: 1,\"\",30", PDU], message),
        (vec!["+CMGR: 2,,30", PDU], Read::Nothing), // written here
        (vec!["+CMGR: 0,,0"], Read::Nothing),       // an empty place of a Huawei stick
        (vec![], Read::Nothing),
        (vec!["+CMGR: 1,,30", cut], Read::Garbled),
        (vec!["+CMGR: 1,,30", odd], Read::Garbled),
        (vec!["+CMGR: 1,,30"], Read::Garbled),
        (vec!["+CMGR: \"REC READ\",\"+33…\"", "connect"], Read::Garbled), // text mode
        (vec![PDU], Read::Garbled),
    ];
    for (answer, expected) in table {
        let mut inbox = in_storage(Storage::Modem);
        assert_eq!(inbox.read(3, &Final::Ok, &lines(&answer)), expected, "{answer:?}");
    }
    assert_eq!(in_storage(Storage::Modem).read(3, &refused(), &[]), Read::Nothing);
}

#[test]
fn a_message_that_comes_garbled_three_times_waits_for_the_next_listing() {
    let mut inbox = in_storage(Storage::Modem);
    inbox.unsolicited("+CMTI: \"ME\",3");
    for _ in 0..3 {
        assert_eq!(inbox.next(), Some(Step::Read(3)));
        inbox.read(3, &Final::Ok, &lines(&["+CMGR: 1,,30", "garbage"]));
    }
    assert_eq!(inbox.next(), None);
    assert!(inbox.listed(&lines(&["+CMGL: 3,1,,30", PDU])));
    assert_eq!(inbox.next(), Some(Step::Read(3)));
}

#[test]
fn a_message_whose_deletion_failed_is_deleted_again_and_a_new_one_in_its_place_is_not() {
    for (listed, expected) in [(PDU, Step::Delete(3)), (OTHER, Step::Read(3))] {
        for answer in [Final::Ok, refused()] {
            let mut inbox = in_storage(Storage::Modem);
            inbox.unsolicited("+CMTI: \"ME\",3");
            run(&mut inbox);
            inbox.discard(Place::Stored(Storage::Modem, 3));
            assert_eq!(inbox.urgent(), Some(Step::Delete(3)));
            inbox.deleted(3, &answer);
            assert_eq!(inbox.urgent(), None, "once is enough for now");
            assert!(inbox.listed(&lines(&["+CMGL: 3,1,,30", listed])));
            let next = inbox.urgent().or_else(|| inbox.next());
            // What was deleted and is still there, word for word, came a second time.
            let expected = if answer == Final::Ok { Step::Read(3) } else { expected };
            assert_eq!(next, Some(expected));
        }
    }
}

#[test]
fn what_was_written_here_is_in_the_way_and_deleted() {
    let mut inbox = in_storage(Storage::Modem);
    inbox.unsolicited("+CMTI: \"ME\",1");
    inbox.next();
    inbox.read(1, &Final::Ok, &lines(&["+CMGR: 3,,30", PDU]));
    assert_eq!(inbox.urgent(), Some(Step::Delete(1)));
}

#[test]
fn a_listing_in_text_mode_or_without_sense_is_no_listing() {
    for answer in [
        vec!["+CMGL: 1,\"REC UNREAD\",\"+336\"", "connect"],
        vec!["+CMGL: 1,1,,30"],
        vec![PDU],
        vec!["+CMGL: x,1,,30", PDU],
    ] {
        assert!(!in_storage(Storage::Modem).listed(&lines(&answer)), "{answer:?}");
    }
}

#[test]
fn only_reports_that_the_modem_admits_are_asked_for() {
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
        assert_eq!(inbox.urgent(), step.map(|at| Step::Cnmi(Cnmi::PREFERENCE[at])), "{answer}");
    }
}

#[test]
fn a_pdu_is_whole_when_it_has_the_length_that_was_announced() {
    assert!(is_whole(PDU, Some(30)));
    assert!(is_whole("00AABB", Some(2)), "without a service centre");
    for (pdu, length) in [(PDU, Some(29)), (PDU, None), ("", Some(0)), ("0", Some(0)), ("FFAA", Some(1))] {
        assert!(!is_whole(pdu, length), "{pdu} {length:?}");
    }
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic(answer in prop::collection::vec("(\\+CMG[LR]: )?\\PC{0,20}", 0..4)) {
        let mut inbox = in_storage(Storage::Card);
        inbox.storages(&answer);
        inbox.report_options(&answer);
        inbox.service(&answer);
        inbox.listed(&answer);
        inbox.read(1, &Final::Ok, &answer);
        for line in &answer {
            inbox.unsolicited(line);
        }
        is_whole(&answer.concat(), Some(1));
        run(&mut inbox);
    }
}

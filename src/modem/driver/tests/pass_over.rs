//! Modems that are passed over for another one.

use super::*;

/// Two sticks, and one of them has no SIM.
#[test]
fn another_modem_replaces_one_that_only_a_person_can_fix_and_stays() {
    in_a_box(|paths, driver| {
        let mut first = Modem::plugged_into(paths, STICK);
        settle(driver, &mut first, &["ttyUSB0"], SECOND);
        driver.protocol.needs_a_person = true;
        assert_eq!(settle(driver, &mut first, &["ttyUSB0"], 60 * SECOND), [], "there is no other");
        let mut second = Modem::plugged_into(paths, &[("ttyUSB5", "1-1.3:1.0", "option", None)]);
        driver.poll(80 * SECOND);
        driver.protocol.needs_a_person = false;
        assert!(!settle(driver, &mut second, &["ttyUSB5"], 81 * SECOND).is_empty());
        assert_eq!(link(paths).as_deref(), Some("/dev/ttyUSB5"));

        driver.release();
        driver.resume();
        assert_eq!(settle(driver, &mut first, &["ttyUSB0"], 82 * SECOND), []);
        second.pull_out(paths);
        for second in 83..89 {
            driver.poll(second * SECOND);
        }
        assert!(!settle(driver, &mut first, &["ttyUSB0"], 90 * SECOND).is_empty(), "better than none");
    });
}

/// `other-after`, and not before; the status names the modem that was passed over.
#[test]
fn another_modem_replaces_one_that_has_had_no_network_for_long() {
    in_a_box(|paths, driver| {
        let mut first = Modem::plugged_into(paths, STICK);
        settle(driver, &mut first, &["ttyUSB0"], SECOND);
        let mut second = Modem::plugged_into(paths, &[("ttyUSB5", "1-1.3:1.0", "option", None)]);
        driver.protocol.lacks_network = true;
        driver.poll(10 * SECOND);
        driver.poll(10 * SECOND + OTHER_AFTER.get() - SECOND);
        assert_eq!(link(paths).as_deref(), Some("/dev/ttyUSB0"));
        driver.poll(10 * SECOND + OTHER_AFTER.get());
        driver.protocol.lacks_network = false;
        settle(driver, &mut second, &["ttyUSB5"], 11 * SECOND + OTHER_AFTER.get());
        assert_eq!(link(paths).as_deref(), Some("/dev/ttyUSB5"));
        let record = paths.published("modem").unwrap();
        assert_eq!(record.get("instead-of"), Some("1-1.2: no network for 5m"));
    });
}

#[test]
fn a_device_that_is_not_a_modem_is_tried_once_in_place_of_one_without_a_sim() {
    in_a_box(|paths, driver| {
        let mut first = Modem::plugged_into(paths, STICK);
        let mut other = Modem::plugged_into(paths, &[("ttyUSB5", "1-1.3:1.0", "option", None)]);
        driver.protocol.needs_a_person = true;
        let mut asked = Vec::new();
        for second in 1..300 {
            driver.protocol.actions.clear();
            if link(paths).as_deref() == Some("/dev/ttyUSB5") {
                driver.protocol.actions = vec![ProtocolAction::Abandon("no answer".to_owned())];
            }
            driver.poll(SECOND * second);
            first.answer(&["ttyUSB0"]);
            asked.extend(other.answer(&[]).into_iter().map(|_| second));
        }
        assert!(asked.last().is_some_and(|last| *last < 60), "{asked:?}");
    });
}

#[test]
fn a_modem_that_another_program_uses_is_not_recovered() {
    in_a_box(|paths, driver| {
        let two: Ports = &[STICK[0], ("ttyUSB1", "1-1.2:1.1", "option", None)];
        let mut modem = Modem::plugged_into(paths, two);
        settle(driver, &mut modem, &["ttyUSB0", "ttyUSB1"], SECOND);
        // Process 1 lives.
        fs::write(paths.path("/run/lock/LCK..modem"), "         1\n").unwrap();
        assert_eq!(fail(driver, &mut modem, paths), []);
    });
}

//! Ports that other programs use as well.

use super::*;

#[test]
fn a_single_port_is_locked_during_a_command_released_and_taken_back() {
    in_a_box(|paths, driver| {
        let mut modem = Modem::plugged_into(paths, STICK);
        driver.poll(SECOND);
        assert_eq!(locks(paths), ["LCK..ttyUSB0"], "an answer is awaited");
        settle(driver, &mut modem, &["ttyUSB0"], SECOND);
        assert_eq!(locks(paths), [""; 0]);

        assert_eq!(driver.release(), ["end"]);
        assert_eq!(settle(driver, &mut modem, &["ttyUSB0"], 100 * SECOND), []);
        assert_eq!(driver.deadline(), None);
        assert_eq!(link(paths).as_deref(), Some("/dev/ttyUSB0"), "pppd needs it");
        driver.resume();
        assert!(!settle(driver, &mut modem, &["ttyUSB0"], 101 * SECOND).is_empty());
    });
}

/// The watch over the far side of the VPN has it restarted (`Effect::RestartModem`). With two ports the commands' one is open
/// meanwhile; with one, pppd has it.
#[test]
fn a_modem_is_restarted_at_once_or_when_its_only_port_is_taken_back() {
    in_a_box(|paths, driver| {
        let mut modem = Modem::plugged_into(paths, OPTION);
        let answering = ["ttyHS0", "ttyHS1", "ttyHS3"];
        settle(driver, &mut modem, &answering, SECOND);
        assert_eq!(driver.release(), [""; 0]);
        assert_eq!(driver.restart_modem(), ["end"]);
        settle(driver, &mut modem, &answering, 2 * SECOND);
        assert_eq!(driver.protocol.steps, [None, Some(RecoveryStep::Restart)]);
    });
    in_a_box(|paths, driver| {
        let mut modem = Modem::plugged_into(paths, STICK);
        settle(driver, &mut modem, &["ttyUSB0"], SECOND);
        assert_eq!(driver.release(), ["end"]);
        assert_eq!(driver.restart_modem(), [""; 0]);
        assert_eq!(settle(driver, &mut modem, &["ttyUSB0"], 100 * SECOND), []);
        driver.resume();
        settle(driver, &mut modem, &["ttyUSB0"], 101 * SECOND);
        assert_eq!(driver.protocol.steps, [None, Some(RecoveryStep::Restart)]);
    });
}

/// Debian's picocom 3.1 knows no lock files: it opens the port, and then takes flock(2) or ends.
#[test]
fn a_program_that_opens_the_unlocked_port_has_it_until_it_unlocks_it() {
    in_a_box(|paths, driver| {
        let mut modem = Modem::plugged_into(paths, STICK);
        let node = paths.path("/dev/ttyUSB0");
        let picocom = || File::options().read(true).write(true).open(&node).unwrap();
        let lock = |file: &File| flock(file, FlockOperation::NonBlockingLockExclusive);
        driver.poll(SECOND);
        assert!(lock(&picocom()).is_err(), "an answer is awaited");
        settle(driver, &mut modem, &["ttyUSB0"], SECOND);

        let open = picocom();
        driver.poll(2 * SECOND);
        lock(&open).unwrap();
        assert_eq!(settle(driver, &mut modem, &["ttyUSB0"], 20 * SECOND), [], "picocom has it");
        assert!(paths.published("modem").unwrap().get("trouble").is_some());
        assert_eq!(link(paths).as_deref(), Some("/dev/ttyUSB0"));
        drop(open);
        assert!(!settle(driver, &mut modem, &["ttyUSB0"], 40 * SECOND).is_empty());
    });
}

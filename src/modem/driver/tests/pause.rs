//! Ports that cannot be opened.

use super::*;

/// The seconds of so many in which a driver that is polled ten times a second opens the port, while other lines make
/// and remove their lock files.
fn openings(driver: &mut Driver<Recorder>, paths: &Paths, seconds: u32) -> Vec<u32> {
    let openings = Watch::over_node(&paths.path("/dev/ttyUSB0")).unwrap();
    let other = paths.path("/run/lock/LCK..ttyUSB7");
    let mut seen = Vec::new();
    for tenth in 0..seconds * 10 {
        fs::write(&other, "").unwrap();
        fs::remove_file(&other).unwrap();
        driver.poll(SECOND * tenth / 10);
        if openings.drain() {
            seen.push(tenth / 10);
        }
    }
    seen
}

/// A tty whose device is gone, while its node stays: opening it fails.
#[test]
fn a_port_that_cannot_be_opened_is_tried_in_growing_pauses_whatever_happens_to_locks() {
    in_a_box(|paths, driver| {
        plug_in(paths, STICK);
        let node = paths.path("/dev/ttyUSB0");
        fs::write(&node, "").unwrap();
        assert_eq!(openings(driver, paths, 130), [0, 2, 6, 14, 30, 62, 94, 126]);

        fs::remove_file(&node).unwrap();
        let mut line = super::node(&node);
        driver.poll(131 * SECOND);
        driver.poll(131 * SECOND + SETTLED_AFTER);
        let mut asked = [0; 10];
        assert_eq!(line.read(&mut asked).unwrap(), b"AT?\r".len(), "a new node ends the pause");
    });
}

#[test]
fn a_port_that_another_program_has_by_flock_alone_is_tried_every_two_seconds() {
    in_a_box(|paths, driver| {
        let _modem = Modem::plugged_into(paths, STICK);
        let picocom = File::options().read(true).write(true).open(paths.path("/dev/ttyUSB0")).unwrap();
        flock(&picocom, FlockOperation::NonBlockingLockExclusive).unwrap();
        assert_eq!(openings(driver, paths, 9), [0, 2, 4, 6, 8]);
    });
}

//! Two lines of the dial-in role in one loop, and a password check that lasts until the test ends it.

use std::fs;
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use dialbox::clock;
use dialbox::line::login::PromptWords;
use dialbox::line::{LineService, Logins, PasswordCheck};
use dialbox::log::Log;
use dialbox::modem::config::ModemConfig;
use dialbox::modem::sandbox::Program;
use dialbox::paths::Paths;
use dialbox::site::{DialIn, Role, Site};

use crate::test_box::{Modem, PROGRAM};

// openssl passwd -5 -salt labsalt 'Xy7 Qz9'
const SITE: &str = "role='dial-in'\nhostname='box'\n\
     [[line]]\nport='/dev/ttyONE'\nlocal='192.0.2.1'\nremote='192.0.2.2'\nlogin=true\ncrtscts=false\n\
     [[line]]\nport='/dev/ttyTWO'\nlocal='192.0.2.1'\nremote='192.0.2.3'\nlogin=true\ncrtscts=false\n\
     [[user]]\nname='guest'\npassword-hash='$5$labsalt$3zd4Jd8tdbziZQKQ2gM37xodWpEZ9gWVb6xhgRUHld5'\n";

/// The test holds this while a check must last.
static SLOW: Mutex<()> = Mutex::new(());

fn slow(check: &PasswordCheck) -> bool {
    drop(SLOW.lock().unwrap());
    check.run()
}

/// Runs two lines with their modems in one loop, until `play` returns.
fn with_two_lines(play: impl FnOnce(&mut Modem, &mut Modem) + Send) {
    let dir = tempfile::tempdir().unwrap();
    let paths = Paths::below(dir.path());
    for directory in ["/dev", "/run/dialbox"] {
        fs::create_dir_all(paths.path(directory)).unwrap();
    }
    fs::create_dir_all(paths.state()).unwrap();
    let site = Site::parse(SITE).unwrap();
    let Role::DialIn(dial_in) = &site.role else { unreachable!("role='dial-in'") };
    let DialIn { lines, prompts, .. } = &**dial_in;
    let log = Log::new("test", &paths);
    let logins = Logins { prompts: &PromptWords::new(prompts, &site.hostname), dial_in, checker: slow };
    let program = Program::At(PROGRAM.as_ref());
    let line = |number: usize, name| {
        let site = &lines[number - 1];
        let (port, speed, flow) = (&site.port, site.speed, site.flow);
        let config = ModemConfig { paths: &paths, log: &log, name, port, speed, flow, other_after: None };
        LineService::new(number, site, logins, program, config).unwrap()
    };
    let mut services = [line(1, "line1"), line(2, "line2")];
    let mut modems = ["/dev/ttyONE", "/dev/ttyTWO"].map(|port| Modem::plugged_in_at(&paths.path(port)));
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let play = scope.spawn(|| {
            let [one, two] = &mut modems;
            for modem in [&mut *one, &mut *two] {
                modem.answer_up_to("AT+VCID=1");
            }
            play(one, two);
            is_over.store(true, SeqCst);
        });
        while !is_over.load(SeqCst) && !play.is_finished() {
            services.iter_mut().for_each(|line| line.poll(clock::since_boot()));
            thread::sleep(Duration::from_millis(1));
        }
        play.join().unwrap();
    });
}

/// Calls, and waits for the prompt.
fn connect(modem: &mut Modem) {
    modem.send("RING");
    assert_eq!(modem.receive(), "ATA");
    modem.send("CONNECT 9600");
    modem.wait_for("\r\nbox login: ");
}

#[test]
fn a_long_password_check_delays_no_other_line() {
    with_two_lines(|one, two| {
        let slow = SLOW.lock().unwrap();
        connect(one);
        one.line.write_all(b"guest\rone\rguest\rtwo\rguest\rthree\r").unwrap();
        one.wait_for("guest\r\nPassword: ");

        connect(two);
        two.line.write_all(b"guest").unwrap();
        two.wait_for("guest");

        drop(slow);
        for _ in 0..3 {
            one.wait_for("\r\nLogin incorrect\r\n");
        }
        two.line.write_all(b"\rXy7 Qz9\r").unwrap();
        two.wait_for("\r\nStarting PPP\r\n");
    });
}

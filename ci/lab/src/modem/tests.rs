mod calls;
mod messages;
mod mobile;
mod others;

use super::profile::ANALOGUE;
use super::refusal::Cms;
use super::settings::Settings;
use super::stick::ec25;
use super::stick::{cdc_acm, huawei, icon_225};
use super::*;
use proptest::prelude::*;

const START: Duration = Duration::from_secs(100);
/// A short message to the modem, with the centre's address before it: 3GPP TS 23.040's layout, "hello".
const HELLO: &str = "0791361907002039040B913316325476F800006270413025948005E8329BFD06";

/// What the computer reads on the first port after it has sent `typed`.
fn answer(modem: &mut Modem, typed: &str) -> String {
    said(&modem.step(Event::Typed(0, typed.into()), START))
}

fn said(outputs: &[Output]) -> String {
    said_on(0, outputs)
}

fn said_on(wanted: usize, outputs: &[Output]) -> String {
    let bytes = outputs.iter().filter_map(|output| match output {
        Output::ToComputer(port, bytes) | Output::DataToComputer(port, bytes) if *port == wanted => {
            Some(bytes.as_slice())
        }
        _ => None,
    });
    String::from_utf8(bytes.collect::<Vec<_>>().concat()).unwrap()
}

fn without_echo(profile: &'static Profile) -> Modem {
    quiet(Modem::new(profile, SimCard::open()))
}

fn quiet(mut modem: Modem) -> Modem {
    for port in 0..modem.ports() {
        modem.step(Event::Typed(port, b"ATE0\r".to_vec()), START);
    }
    modem
}

/// Sends each line and compares the answer.
fn dialogue(modem: &mut Modem, table: &[(&str, &str)]) {
    for (typed, expected) in table {
        assert_eq!(answer(modem, typed), *expected, "{typed:?}");
    }
}

#[test]
fn a_modem_echoes_until_ate0() {
    let mut modem = Modem::new(icon_225(), SimCard::open());
    dialogue(
        &mut modem,
        &[
            ("AT\r", "AT\r\r\nOK\r\n"),
            ("ATE0\r", "ATE0\r\r\nOK\r\n"),
            ("AT\r", "\r\nOK\r\n"),
            ("ATZ\r", "\r\nOK\r\n"),
            ("AT\r", "AT\r\r\nOK\r\n"),
        ],
    );
}

#[test]
fn each_port_has_its_own_settings() {
    let mut modem = Modem::new(icon_225(), SimCard::open());
    modem.step(Event::Typed(1, b"ATE0V0\r".to_vec()), START);
    assert_eq!(said_on(1, &modem.step(Event::Typed(1, b"AT\r".to_vec()), START)), "0\r");
    assert_eq!(answer(&mut modem, "AT\r"), "AT\r\r\nOK\r\n");
    assert_eq!(modem.step(Event::Typed(3, b"AT\r".to_vec()), START), []);
}

#[test]
fn answers_to_single_lines() {
    let table = [
        ("AT\r", "\r\nOK\r\n"),
        ("at\r", "\r\nOK\r\n"),
        ("At\r", ""),
        ("AT\n", ""),
        ("garbage\rAT\r", "\r\nOK\r\n"),
        ("ATE2\r", "\r\nERROR\r\n"),
        ("ATB9\r", "\r\nERROR\r\n"),
        ("ATX5\r", "\r\nERROR\r\n"),
        ("AT&D4\r", "\r\nERROR\r\n"),
        ("ATV0\r", "0\r"),
        ("ATV0Y\r", "4\r"),
        ("ATQ1\r", ""),
        (
            "ATQ1I0Q0\r",
            "\r\nManufacturer: Option N.V.\r\n\r\nModel: GlobeTrotter HSUPA Modem\r\n\r\nRevision: 2.5.21Hd\r\n\r\nOK\r\n",
        ),
        ("ATS0?\r", "\r\n000\r\n\r\nOK\r\n"),
        ("ATS7=30;S7?\r", "\r\nERROR\r\n"),
        ("ATS7=30S7?\r", "\r\n030\r\n\r\nOK\r\n"),
        ("ATS3=65S99?\r", "A\nERRORA\n"),
        ("ATQ0 V1 E1 S0=0 &C1 &D2 +FCLASS=0\r", "\r\nOK\r\n"),
        ("AT+CGMI\r", "\r\nOption N.V.\r\n\r\nOK\r\n"),
        ("AT+CGMI=?\r", "\r\nOK\r\n"),
        ("AT+CGMI?\r", "\r\nERROR\r\n"),
        ("AT+CMEE=?\r", "\r\n+CMEE: (0-2)\r\n\r\nOK\r\n"),
        ("AT+CMEE=1;+CMEE?\r", "\r\n+CMEE: 1\r\n\r\nOK\r\n"),
        ("AT+NOSUCH\r", "\r\nERROR\r\n"),
        ("AT^CURC=0\r", "\r\nERROR\r\n"),
        ("ATH\r", "\r\nOK\r\n"),
        ("ATA\r", "\r\nNO CARRIER\r\n"),
        ("ATO\r", "\r\nNO CARRIER\r\n"),
    ];
    for (typed, expected) in table {
        assert_eq!(answer(&mut without_echo(icon_225()), typed), expected, "{typed}");
    }
}

#[test]
fn commands_before_a_syntax_error_are_executed() {
    let mut modem = without_echo(icon_225());
    dialogue(&mut modem, &[("ATV0+NOSUCH;Q1\r", "4\r"), ("AT\r", "0\r")]);
}

#[test]
fn a_slow_modem_answers_later_and_reads_input_typed_meanwhile() {
    let thinking = Duration::from_millis(300);
    let mut modem = without_echo(icon_225()).thinking(thinking);
    assert_eq!(modem.step(Event::Typed(0, b"AT\rATV0\r".to_vec()), START), []);
    assert_eq!(modem.deadline(), Some(START + thinking));
    assert_eq!(said(&modem.step(Event::Time, START + thinking)), "\r\nOK\r\n");
    assert_eq!(said(&modem.step(Event::Time, START + thinking * 2)), "0\r");
}

mod faults {
    use super::*;

    fn broken(fault: Fault) -> Modem {
        let mut modem = without_echo(icon_225());
        assert_eq!(modem.step(Event::Breaks(fault), START), []);
        modem
    }

    #[test]
    fn a_urc_can_come_within_an_answer() {
        let line = "+CMTI: \"SM\",3".to_owned();
        let mut modem = broken(Fault::Interrupts { port: 0, piece: 1, line });
        let answer = answer(&mut modem, "AT+CSQ\r");
        assert_eq!(answer, "\r\n+CSQ: 18,99\r\n\r\n+CMTI: \"SM\",3\r\n\r\nOK\r\n");
    }

    #[test]
    fn an_answer_can_stall_and_continue() {
        let lasts = Duration::from_secs(3);
        let mut modem = broken(Fault::Stalls { port: 0, after: 8, lasts });
        assert_eq!(answer(&mut modem, "AT+CSQ\r"), "\r\n+CSQ: ");
        assert_eq!(said(&modem.step(Event::Time, START + lasts)), "18,99\r\n\r\nOK\r\n");
    }

    #[test]
    fn a_modem_answers_everything_after_a_hang() {
        let mut modem = broken(Fault::Hangs(Duration::from_secs(60)));
        assert_eq!(answer(&mut modem, "AT\rAT\r"), "");
        assert_eq!(said(&modem.step(Event::Time, START + Duration::from_secs(60))), "\r\nOK\r\n\r\nOK\r\n");
    }

    #[test]
    fn a_command_may_be_answered_in_other_words_or_never() {
        let mut modem = broken(Fault::Answers { command: "+CTZU=1".to_owned(), lines: Some(&["NA"]) });
        assert_eq!(answer(&mut modem, "at+ctzu=1\r"), "\r\nNA\r\n");
        modem.step(Event::Breaks(Fault::Answers { command: "+CSQ".to_owned(), lines: None }), START);
        assert_eq!(answer(&mut modem, "AT+CSQ\rAT\r"), "\r\nOK\r\n");
    }

    #[test]
    fn a_restart_resets_settings_and_keeps_messages_and_contexts() {
        let mut modem = without_echo(icon_225());
        modem.step(Event::Message(HELLO.to_owned()), START);
        dialogue(&mut modem, &[("AT+CNMI=2,1;+CGDCONT=1,\"IP\",\"free\"\r", "\r\nOK\r\n")]);
        modem.step(Event::Breaks(Fault::Restarts), START);
        dialogue(
            &mut modem,
            &[
                ("ATE0\r", "ATE0\r\r\nOK\r\n"),
                ("AT+CNMI?\r", "\r\n+CNMI: 0,0,0,0,0\r\n\r\nOK\r\n"),
                ("AT+CGDCONT?\r", "\r\n+CGDCONT: 1,\"IP\",\"free\",\"\",0,0\r\n\r\nOK\r\n"),
                ("AT+CPMS?\r", "\r\n+CPMS: \"SM\",1,20,\"SM\",1,20,\"SM\",1,20\r\n\r\nOK\r\n"),
            ],
        );
    }

    #[test]
    fn the_echo_fault_ignores_ate0() {
        let mut modem = without_echo(icon_225());
        modem.step(Event::Breaks(Fault::KeepsEcho), START);
        dialogue(
            &mut modem,
            &[("ATE0\r", "ATE0\r\r\nOK\r\n"), ("ATZE0\r", "ATZE0\r\r\nOK\r\n"), ("AT\r", "AT\r\r\nOK\r\n")],
        );
    }

    #[test]
    fn the_deletion_fault_answers_ok_and_deletes_nothing() {
        let mut modem = broken(Fault::KeepsMessages);
        modem.step(Event::Message(HELLO.to_owned()), START);
        assert_eq!(answer(&mut modem, "AT+CMGD=1\r"), "\r\nOK\r\n");
        assert_eq!(modem.stored_messages(), 1);
    }
}

proptest! {
    /// Random lines: none is answered twice, and the modem keeps working.
    #[test]
    fn a_line_has_at_most_one_result_and_never_stops_the_modem(
        lines in prop::collection::vec("AT(D|[+^_][A-Z]{4}|)[A-Z0-9&+=?;,\"S \\x08\\x80-\\xff]{0,24}", 1..8),
        model in 0..4usize,
    ) {
        let mut modem = without_echo([icon_225(), huawei(), cdc_acm(), ANALOGUE][model]);
        for line in &lines {
            let outputs = modem.step(Event::Typed(0, format!("{line}\r").into()), START);
            let codes = ["OK", "ERROR", "NO CARRIER"].map(|code| said(&outputs).matches(code).count());
            // `Q` and `V` may have been among the commands.
            prop_assert!(codes.iter().sum::<usize>() <= 1, "{line:?} was answered {outputs:?}");
            // A call may be waiting for its carrier, or a message for its end.
            modem.step(Event::Failed(Failure::NoCarrier), START);
            modem.step(Event::Typed(0, vec![0x1b]), START);
            modem.ports[0].settings = Settings::factory();
            modem.ports[0].settings.echo = false;
        }
        prop_assert_eq!(answer(&mut modem, "AT\r"), "\r\nOK\r\n");
    }
}

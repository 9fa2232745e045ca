use super::profile::{ANALOGUE, STICK_3G};
use super::*;
use proptest::prelude::*;

const START: Duration = Duration::from_secs(100);

/// What the computer reads when it types `typed` at a modem without echo.
fn answer(modem: &mut Modem, typed: &str) -> String {
    said(&modem.input(typed.as_bytes(), START))
}

fn said(outputs: &[Output]) -> String {
    let bytes = outputs.iter().filter_map(|output| match output {
        Output::ToComputer(bytes) => Some(bytes.as_slice()),
        _ => None,
    });
    String::from_utf8(bytes.collect::<Vec<_>>().concat()).unwrap()
}

fn without_echo(profile: Profile) -> Modem {
    let mut modem = Modem::new(profile, Sim::Ready);
    modem.input(b"ATE0\r", START);
    modem
}

fn online() -> Modem {
    let mut modem = without_echo(STICK_3G);
    let outputs = modem.input(b"AT+CGDCONT=1,\"IP\",\"free\";DT*99#\r", START);
    assert_eq!(outputs.last(), Some(&Output::Dialled("*99#".to_owned())));
    modem
}

#[test]
fn a_modem_echoes_until_it_is_told_not_to() {
    let mut modem = Modem::new(STICK_3G, Sim::Ready);
    assert_eq!(answer(&mut modem, "AT\r"), "AT\r\r\nOK\r\n");
    assert_eq!(answer(&mut modem, "ATE0\r"), "ATE0\r\r\nOK\r\n");
    assert_eq!(answer(&mut modem, "AT\r"), "\r\nOK\r\n");
    assert_eq!(answer(&mut modem, "ATZ\r"), "\r\nOK\r\n");
    assert_eq!(answer(&mut modem, "AT\r"), "AT\r\r\nOK\r\n");
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
        ("AT+CSQ\r", "\r\n+CSQ: 18,99\r\n\r\nOK\r\n"),
        ("AT+CSQ=1\r", "\r\nERROR\r\n"),
        ("AT+CPIN?\r", "\r\n+CPIN: READY\r\n\r\nOK\r\n"),
        ("AT+CPIN=?\r", "\r\nOK\r\n"),
        ("AT+CREG?\r", "\r\n+CREG: 0,1\r\n\r\nOK\r\n"),
        ("AT+CREG=3\r", "\r\nERROR\r\n"),
        ("AT+COPS?\r", "\r\n+COPS: 0,0,\"Free\"\r\n\r\nOK\r\n"),
        ("AT+CMEE=?\r", "\r\n+CMEE: (0-2)\r\n\r\nOK\r\n"),
        ("AT+CMEE=1;+CMEE?\r", "\r\n+CMEE: 1\r\n\r\nOK\r\n"),
        ("AT+NOSUCH\r", "\r\nERROR\r\n"),
        ("ATH\r", "\r\nOK\r\n"),
        ("ATA\r", "\r\nNO CARRIER\r\n"),
        ("ATO\r", "\r\nNO CARRIER\r\n"),
        ("ATDT*99#\r", "\r\nNO CARRIER\r\n"),
        ("ATDT0123456789\r", "\r\nNO CARRIER\r\n"),
    ];
    for (typed, expected) in table {
        assert_eq!(answer(&mut without_echo(STICK_3G), typed), expected, "{typed}");
    }
}

#[test]
fn what_stands_before_a_mistake_is_carried_out() {
    let mut modem = without_echo(STICK_3G);
    assert_eq!(answer(&mut modem, "ATV0+NOSUCH;Q1\r"), "4\r");
    assert_eq!(answer(&mut modem, "AT\r"), "0\r");
}

#[test]
fn an_analogue_modem_knows_nothing_of_mobile_networks() {
    let mut modem = without_echo(ANALOGUE);
    for typed in ["AT+CSQ\r", "AT+CPIN?\r", "AT+CMEE=1\r", "AT+CGMI\r"] {
        assert_eq!(answer(&mut modem, typed), "\r\nERROR\r\n", "{typed}");
    }
    assert_eq!(answer(&mut modem, "AT+FCLASS=0\r"), "\r\nOK\r\n");
}

#[test]
fn refusals_of_the_sim_are_as_detailed_as_cmee_says() {
    let mut modem = without_echo(STICK_3G);
    modem.sim = Sim::Locked { pin: "0000".to_owned(), tries: 3 };
    assert_eq!(answer(&mut modem, "AT+CPIN=\"1111\"\r"), "\r\nERROR\r\n");
    assert_eq!(answer(&mut modem, "AT+CMEE=1;+CPIN=1111\r"), "\r\n+CME ERROR: 16\r\n");
    assert_eq!(answer(&mut modem, "AT+CMEE=2;+CPIN=1111\r"), "\r\n+CME ERROR: SIM PUK required\r\n");
}

#[test]
fn an_incoming_call_rings_every_five_seconds_until_the_caller_gives_up() {
    let mut modem = without_echo(ANALOGUE);
    assert_eq!(said(&modem.ring(3, START)), "\r\nRING\r\n");
    assert_eq!(said(&modem.elapse(START + RING_PERIOD - Duration::from_millis(1))), "");
    assert_eq!(said(&modem.elapse(START + RING_PERIOD * 2)), "\r\nRING\r\n\r\nRING\r\n");
    assert_eq!(said(&modem.elapse(START + RING_PERIOD * 20)), "");
    assert_eq!(modem.wakes_at(), None);
}

#[test]
fn a_call_is_taken_by_ata_or_after_the_rings_in_s0() {
    let mut modem = without_echo(ANALOGUE);
    modem.ring(3, START);
    let expected = [Output::ToComputer(b"\r\nCONNECT\r\n".to_vec()), Output::Answered];
    assert_eq!(modem.input(b"ATA\r", START), expected);

    let mut modem = without_echo(ANALOGUE);
    modem.input(b"ATS0=2\r", START);
    assert_eq!(said(&modem.ring(5, START)), "\r\nRING\r\n");
    assert!(modem.elapse(START + RING_PERIOD).contains(&Output::Answered));
}

#[test]
fn data_passes_untouched_and_unechoed_while_online() {
    let mut modem = online();
    modem.settings.echo = true;
    assert_eq!(modem.input(b"~\xff}#ATH\r", START), [Output::ToPeer(b"~\xff}#ATH\r".to_vec())]);
}

#[test]
fn three_pluses_escape_only_when_silence_surrounds_them() {
    let second = Duration::from_secs(1);
    let mut modem = online();
    modem.input(b"x+++", START);
    assert_eq!(modem.wakes_at(), None);
    modem.input(b"++++", START + second);
    assert_eq!(modem.wakes_at(), None);
    modem.input(b"+++", START + second * 2);
    modem.input(b"ATH\r", START + second * 2);
    assert_eq!(modem.wakes_at(), None);

    modem.input(b"+++", START + second * 3);
    assert_eq!(said(&modem.elapse(START + second * 4)), "\r\nOK\r\n");
    assert_eq!(said(&modem.input(b"ATO\r", START + second * 4)), "\r\nCONNECT\r\n");
    modem.input(b"+++", START + second * 5);
    let outputs = modem.input(b"ATH\r", START + second * 6);
    assert!(outputs.contains(&Output::HungUp));
    assert_eq!(said(&outputs), "\r\nOK\r\n\r\nOK\r\n");
}

#[test]
fn a_lost_carrier_is_told_and_ends_data_state() {
    let mut modem = online();
    assert_eq!(said(&modem.carrier_lost()), "\r\nNO CARRIER\r\n");
    assert_eq!(answer(&mut modem, "AT\r"), "\r\nOK\r\n");
    assert_eq!(modem.carrier_lost(), []);
}

proptest! {
    /// Lines as a confused program would send them: none is answered twice, and the modem goes on.
    #[test]
    fn a_line_has_at_most_one_result_and_never_stops_the_modem(
        lines in prop::collection::vec("AT[A-Z0-9&+=?;,\"S \\x08\\x80-\\xff]{0,24}", 1..8),
    ) {
        let mut modem = without_echo(STICK_3G);
        for line in &lines {
            let outputs = modem.input(format!("{line}\r").as_bytes(), START);
            prop_assert_eq!(&modem.call, &Call::None);
            let codes = ["OK", "ERROR", "NO CARRIER", "CME"].map(|code| said(&outputs).matches(code).count());
            // `Q` and `V` may have been among the commands.
            prop_assert!(codes.iter().sum::<usize>() <= 1, "{line:?} was answered {outputs:?}");
            modem.settings = Settings::factory();
            modem.settings.echo = false;
        }
        prop_assert_eq!(answer(&mut modem, "AT\r"), "\r\nOK\r\n");
    }
}

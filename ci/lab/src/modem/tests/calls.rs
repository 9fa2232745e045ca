//! Calls, on the telephone line and over packet data.

use super::*;
use crate::modem::call::RING_PERIOD;

fn rings() -> Event {
    Event::Rings(None)
}

fn online() -> Modem {
    let mut modem = without_echo(icon_225());
    let outputs = modem.step(Event::Typed(0, b"AT+CGDCONT=1,\"IP\",\"free\";DT*99#\r".to_vec()), START);
    assert_eq!(outputs, [Output::Dialled("*99#".to_owned())]);
    assert_eq!(said(&modem.step(Event::Connected(7_200_000), START)), "\r\nCONNECT 7200000\r\n");
    modem
}

#[test]
fn an_incoming_call_rings_every_five_seconds_until_the_caller_gives_up() {
    let mut modem = without_echo(ANALOGUE);
    assert_eq!(said(&modem.step(rings(), START)), "\r\nRING\r\n");
    assert_eq!(said(&modem.step(Event::Time, START + RING_PERIOD - Duration::from_millis(1))), "");
    assert_eq!(said(&modem.step(Event::Time, START + RING_PERIOD * 2)), "\r\nRING\r\n\r\nRING\r\n");
    modem.step(Event::RingingEnds, START + RING_PERIOD * 2);
    assert_eq!(modem.deadline(), None);
    assert_eq!(answer(&mut modem, "ATA\r"), "\r\nNO CARRIER\r\n");
}

#[test]
fn caller_id_is_shown_after_the_first_ring_if_enabled() {
    let time = Some(TimeOfDay { origin: 1_800_000_000, quarters: 4 });
    for (caller, shown) in [(Some("0612345678"), "0612345678"), (None, "P")] {
        let mut modem = without_echo(ANALOGUE);
        modem.step(Event::Radio(Cell { time, ..Cell::default() }), START);
        answer(&mut modem, "AT+VCID=1\r");
        let first = said(&modem.step(Event::Rings(caller.map(str::to_owned)), START));
        assert_eq!(
            first,
            format!("\r\nRING\r\n\r\nDATE = 0115\r\n\r\nTIME = 0901\r\n\r\nNMBR = {shown}\r\n")
        );
        assert_eq!(said(&modem.step(Event::Time, START + RING_PERIOD)), "\r\nRING\r\n");
    }
}

#[test]
fn a_call_is_answered_by_ata_or_after_s0_rings() {
    let mut modem = without_echo(ANALOGUE);
    modem.step(rings(), START);
    assert_eq!(modem.step(Event::Typed(0, b"ATA\r".to_vec()), START), [Output::Answered]);
    assert_eq!(said(&modem.step(Event::Connected(33_600), START)), "\r\nCONNECT 33600\r\n");

    let mut modem = without_echo(ANALOGUE);
    answer(&mut modem, "ATS0=2X0\r");
    assert_eq!(said(&modem.step(rings(), START)), "\r\nRING\r\n");
    assert!(modem.step(Event::Time, START + RING_PERIOD).contains(&Output::Answered));
    assert_eq!(said(&modem.step(Event::Connected(2400), START + RING_PERIOD)), "\r\nCONNECT\r\n");
}

#[test]
fn the_result_code_of_a_failed_call_depends_on_x() {
    let table = [
        (Failure::Busy, "4", "BUSY"),
        (Failure::Busy, "2", "NO CARRIER"),
        (Failure::NoDialtone, "4", "NO DIALTONE"),
        (Failure::NoDialtone, "3", "NO CARRIER"),
        (Failure::NoCarrier, "4", "NO CARRIER"),
    ];
    for (failure, detail, expected) in table {
        let mut modem = without_echo(ANALOGUE);
        let dialled = modem.step(Event::Typed(0, format!("ATX{detail}DT0,123 45-67\r").into()), START);
        assert_eq!(dialled, [Output::Dialled("01234567".to_owned())]);
        assert_eq!(said(&modem.step(Event::Failed(failure), START)), format!("\r\n{expected}\r\n"));
        assert_eq!(answer(&mut modem, "AT\r"), "\r\nOK\r\n");
    }
}

#[test]
fn a_call_without_a_carrier_within_s7_ends() {
    let mut modem = without_echo(ANALOGUE);
    answer(&mut modem, "ATS7=30DT1\r");
    let outputs = modem.step(Event::Time, START + Duration::from_secs(30));
    assert_eq!(outputs[0], Output::HungUp);
    assert_eq!(said(&outputs), "\r\nNO CARRIER\r\n");
}

#[test]
fn a_byte_aborts_call_setup_except_at_its_start() {
    let mut modem = without_echo(ANALOGUE);
    assert_eq!(answer(&mut modem, "ATDT1\r\n"), "");
    let outputs = modem.step(Event::Typed(0, b"\r".to_vec()), START + Duration::from_secs(1));
    assert_eq!(outputs[0], Output::HungUp);
    assert_eq!(said(&outputs), "\r\nNO CARRIER\r\n");
}

#[test]
fn packet_data_needs_a_context_and_a_network() {
    let mut modem = without_echo(icon_225());
    let context = "AT+CGDCONT=1,\"IP\",\"free\"\r";
    dialogue(
        &mut modem,
        &[
            ("ATD*99#\r", "\r\nNO CARRIER\r\n"),
            ("ATDT0123456789\r", "\r\nNO CARRIER\r\n"),
            ("AT+CGDCONT=1,\"PPP\",\"free\"\r", "\r\nERROR\r\n"),
            ("AT+CGDCONT=9,\"IP\",\"free\"\r", "\r\nERROR\r\n"),
            (context, "\r\nOK\r\n"),
            ("AT+CGDCONT?\r", "\r\n+CGDCONT: 1,\"IP\",\"free\",\"\",0,0\r\n\r\nOK\r\n"),
            ("ATD*99***2#\r", "\r\nNO CARRIER\r\n"),
        ],
    );
    let searching = Cell { registration: Registration::Searching, ..Cell::default() };
    modem.step(Event::Radio(searching), START);
    assert_eq!(answer(&mut modem, "ATD*99***1#\r"), "\r\nNO CARRIER\r\n");
    modem.step(Event::Radio(Cell::default()), START);
    let dialled = modem.step(Event::Typed(0, b"ATD*99***1#\r".to_vec()), START);
    assert_eq!(dialled, [Output::Dialled("*99***1#".to_owned())]);
}

#[test]
fn data_is_neither_changed_nor_echoed_while_online() {
    let mut modem = online();
    modem.ports[0].settings.echo = true;
    let outputs = modem.step(Event::Typed(0, b"~\xff}#ATH\r".to_vec()), START);
    assert_eq!(outputs, [Output::ToPeer(b"~\xff}#ATH\r".to_vec())]);
    let outputs = modem.step(Event::FromPeer(b"~OK~".to_vec()), START);
    assert_eq!(outputs, [Output::DataToComputer(0, b"~OK~".to_vec())]);
}

#[test]
fn the_other_port_takes_commands_during_a_call_but_no_second_call() {
    let mut modem = online();
    let on_the_other =
        |modem: &mut Modem, typed: &str| said_on(1, &modem.step(Event::Typed(1, typed.into()), START));
    assert_eq!(on_the_other(&mut modem, "AT+CSQ\r"), "\r\n+CSQ: 18,99\r\n\r\nOK\r\n");
    assert_eq!(on_the_other(&mut modem, "ATD*99#\r"), "\r\nERROR\r\n");
    assert_eq!(on_the_other(&mut modem, "ATH\r"), "\r\nOK\r\n");
    assert!(modem.carries_data(0));
    answer(&mut modem, "");
    modem.step(Event::Typed(1, b"AT+CNMI=2,1\r".to_vec()), START);
    let outputs = modem.step(Event::Message(HELLO.to_owned()), START);
    assert_eq!((said(&outputs).as_str(), said_on(1, &outputs).as_str()), ("", "\r\n+CMTI: \"SM\",1\r\n"));
}

#[test]
fn an_indication_waits_for_the_end_of_the_call_on_a_stick_with_one_port() {
    let mut modem = without_echo(huawei());
    answer(&mut modem, "AT^CURC=0;+CNMI=2,1;+CGDCONT=1,\"IP\",\"free\"\r");
    answer(&mut modem, "ATD*99#\r");
    modem.step(Event::Connected(7_200_000), START);
    assert_eq!(said(&modem.step(Event::Message(HELLO.to_owned()), START)), "");
    let ended = said(&modem.step(Event::CarrierLost, START));
    assert_eq!(ended, "\r\nNO CARRIER\r\n\r\n+CMTI: \"SM\",0\r\n");
}

#[test]
fn three_pluses_escape_only_with_silence_around_them() {
    let second = Duration::from_secs(1);
    let typed = |modem: &mut Modem, bytes: &str, at| modem.step(Event::Typed(0, bytes.into()), at);
    let mut modem = online();
    typed(&mut modem, "x+++", START);
    assert_eq!(modem.deadline(), modem.chatter.first().copied());
    typed(&mut modem, "++++", START + second);
    assert_eq!(modem.deadline(), None);
    typed(&mut modem, "+++", START + second * 2);
    typed(&mut modem, "ATH\r", START + second * 2);
    assert_eq!(modem.deadline(), None);

    typed(&mut modem, "+++", START + second * 3);
    assert_eq!(said(&modem.step(Event::Time, START + second * 4)), "\r\nOK\r\n");
    assert_eq!(said(&typed(&mut modem, "ATO\r", START + second * 4)), "\r\nCONNECT 7200000\r\n");
    typed(&mut modem, "+++", START + second * 5);
    let outputs = typed(&mut modem, "ATH\r", START + second * 6);
    assert!(outputs.contains(&Output::HungUp));
    assert_eq!(said(&outputs), "\r\nOK\r\n\r\nOK\r\n");
}

#[test]
fn a_lost_carrier_is_reported_and_ends_data_state() {
    let mut modem = online();
    assert_eq!(said(&modem.step(Event::CarrierLost, START)), "\r\nNO CARRIER\r\n");
    assert_eq!(answer(&mut modem, "AT\r"), "\r\nOK\r\n");
    assert_eq!(modem.step(Event::CarrierLost, START), []);
}

#[test]
fn the_effect_of_dropping_dtr_depends_on_d() {
    let drop_dtr = |modem: &mut Modem| modem.step(Event::Dtr(0, false), START);
    let mut modem = online();
    assert!(drop_dtr(&mut modem).contains(&Output::HungUp));

    for (setting, hangs_up, escapes) in [("0", false, false), ("1", false, true), ("3", true, true)] {
        let mut modem = without_echo(ANALOGUE);
        answer(&mut modem, &format!("AT&D{setting}DT1\r"));
        modem.step(Event::Connected(2400), START);
        let outputs = drop_dtr(&mut modem);
        assert_eq!(outputs.contains(&Output::HungUp), hangs_up, "&D{setting}");
        assert_eq!(!modem.carries_data(0), escapes, "&D{setting}");
        assert_eq!(modem.ports[0].settings.echo, setting == "3", "&D{setting}");
    }
}

#[test]
fn hanging_up_takes_time_on_an_analogue_line() {
    let mut modem = without_echo(ANALOGUE);
    answer(&mut modem, "ATS12=0DT1\r");
    modem.step(Event::Connected(2400), START);
    let later = START + Duration::from_secs(1);
    modem.step(Event::Typed(0, b"+++".to_vec()), later);
    modem.step(Event::Time, later);
    assert_eq!(modem.step(Event::Typed(0, b"ATH\rAT\r".to_vec()), later), [Output::HungUp]);
    let done = later + ANALOGUE.hang_up_takes;
    assert_eq!(said(&modem.step(Event::Time, done)), "\r\nOK\r\n\r\nOK\r\n");
}

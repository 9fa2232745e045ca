//! SIM, registration, operator, clock.

use super::*;

fn locked() -> Modem {
    quiet(Modem::new(icon_225(), SimCard::locked("4321")))
}

#[test]
fn an_analogue_modem_has_no_mobile_commands() {
    let mut modem = without_echo(ANALOGUE);
    for typed in ["AT+CSQ\r", "AT+CPIN?\r", "AT+CMEE=1\r", "AT+CGMI\r", "AT+CMGF=0\r"] {
        assert_eq!(answer(&mut modem, typed), "\r\nERROR\r\n", "{typed}");
    }
    assert_eq!(answer(&mut modem, "AT+FCLASS=0\r"), "\r\nOK\r\n");
}

#[test]
fn a_locked_sim_gives_no_service_and_refuses_as_cmee_says() {
    let mut modem = locked();
    dialogue(
        &mut modem,
        &[
            ("AT+CPIN?\r", "\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n"),
            ("AT+CREG?\r", "\r\n+CREG: 0,0\r\n\r\nOK\r\n"),
            ("AT+COPS?\r", "\r\n+COPS: 0\r\n\r\nOK\r\n"),
            ("AT+CMGL=4\r", "\r\n+CMS ERROR: 311\r\n"),
            ("AT_OERCN?\r", "\r\n_OERCN: 3, 10\r\n\r\nOK\r\n"),
            ("AT_OBLS\r", "\r\n_OBLS: 0, 0, 0\r\n\r\nOK\r\n"),
            ("AT+CPIN=\"1111\"\r", "\r\nERROR\r\n"),
            ("AT_OERCN?\r", "\r\n_OERCN: 2, 10\r\n\r\nOK\r\n"),
            ("AT+CMEE=1;+CPIN=1111\r", "\r\n+CME ERROR: 16\r\n"),
            ("AT+CMEE=2;+CPIN=1111\r", "\r\n+CME ERROR: SIM PUK required\r\n"),
            ("AT+CPIN?\r", "\r\n+CPIN: SIM PUK\r\n\r\nOK\r\n"),
            ("AT+CPIN=\"4321\"\r", "\r\n+CME ERROR: SIM PUK required\r\n"),
            ("AT+CPIN=\"12345678\",\"4321\"\r", "\r\nOK\r\n"),
            ("AT+CREG?\r", "\r\n+CREG: 0,1\r\n\r\nOK\r\n"),
        ],
    );
}

#[test]
fn each_model_reports_pin_tries_by_its_own_command() {
    let tries = |profile, typed: &str| {
        answer(&mut quiet(Modem::new(profile, SimCard::locked("4321").with_tries(2))), typed)
    };
    assert_eq!(tries(icon_225(), "AT+CPINR\r"), "\r\nERROR\r\n");
    assert_eq!(tries(huawei(), "AT^CPIN?\r"), "\r\n^CPIN: SIM PIN,2,10,2,10,3\r\n\r\nOK\r\n");
    assert_eq!(
        tries(cdc_acm(), "AT+CPINR\r"),
        "\r\n+CPINR: SIM PIN,2,3\r\n\r\n+CPINR: SIM PUK,10,10\r\n\r\nOK\r\n"
    );
}

#[test]
fn the_pin_request_is_disabled_only_with_the_pin() {
    let mut modem = locked();
    dialogue(
        &mut modem,
        &[
            ("AT+CMEE=1;+CLCK=\"SC\",2\r", "\r\n+CLCK: 1\r\n\r\nOK\r\n"),
            ("AT+CLCK=\"SC\",0,\"4321\"\r", "\r\n+CME ERROR: 11\r\n"),
            ("AT+CPIN=4321\r", "\r\nOK\r\n"),
            ("AT+CLCK=\"SC\",0,\"1111\"\r", "\r\n+CME ERROR: 16\r\n"),
            ("AT+CLCK=\"SC\",0,\"4321\"\r", "\r\nOK\r\n"),
            ("AT+CLCK=\"SC\",2\r", "\r\n+CLCK: 0\r\n\r\nOK\r\n"),
            ("AT+CLCK=\"PN\",2\r", "\r\nERROR\r\n"),
        ],
    );
    modem.step(Event::Breaks(Fault::Restarts), START);
    assert_eq!(modem.sim().state(), Ok("READY"));
}

#[test]
fn a_slow_sim_is_busy_and_then_registration_is_reported() {
    let starts_in = Duration::from_secs(4);
    let mut modem = quiet(Modem::new(icon_225(), SimCard::open()).with_slow_sim(starts_in));
    modem.step(Event::Breaks(Fault::Restarts), START);
    dialogue(
        &mut modem,
        &[
            ("ATE0\r", "ATE0\r\r\nOK\r\n"),
            ("AT+CMEE=1;+CREG=1;+CPIN?\r", "\r\n+CME ERROR: 14\r\n"),
            ("AT_OBLS\r", "\r\n_OBLS: 0, 0, 0\r\n\r\nOK\r\n"),
            ("AT+CPMS?\r", "\r\n+CMS ERROR: 314\r\n"),
        ],
    );
    assert_eq!(said(&modem.step(Event::Time, START + starts_in)), "\r\n+CREG: 1\r\n");
    let ready = said(&modem.step(Event::Typed(0, b"AT+CPIN?\r".to_vec()), START + starts_in));
    assert_eq!(ready, "\r\n+CPIN: READY\r\n\r\nOK\r\n");
}

#[test]
fn registration_is_reported_as_creg_selects() {
    let mut modem = without_echo(icon_225());
    let denied = || Event::Radio(Cell { registration: Registration::Denied, ..Cell::default() });
    let roaming = || Event::Radio(Cell { registration: Registration::Roaming, ..Cell::default() });
    assert_eq!(said(&modem.step(denied(), START)), "");
    answer(&mut modem, "AT+CREG=1\r");
    assert_eq!(said(&modem.step(roaming(), START)), "\r\n+CREG: 5\r\n");
    answer(&mut modem, "AT+CREG=2;+CGREG=1\r");
    assert_eq!(said(&modem.step(denied(), START)), "\r\n+CREG: 3\r\n\r\n+CGREG: 3\r\n");
    let urcs = said(&modem.step(roaming(), START));
    assert_eq!(urcs, "\r\n+CREG: 5,\"02A1\",\"0012F4C7\"\r\n\r\n+CGREG: 5\r\n");
    dialogue(
        &mut modem,
        &[
            ("AT+CREG?\r", "\r\n+CREG: 2,5,\"02A1\",\"0012F4C7\"\r\n\r\nOK\r\n"),
            ("AT+CREG=3\r", "\r\nERROR\r\n"),
            ("AT+CREG=?\r", "\r\n+CREG: (0-2)\r\n\r\nOK\r\n"),
        ],
    );
}

#[test]
fn the_operator_has_a_name_and_a_number_and_can_be_deselected() {
    dialogue(
        &mut without_echo(icon_225()),
        &[
            ("AT+CSQ\r", "\r\n+CSQ: 18,99\r\n\r\nOK\r\n"),
            ("AT+CSQ=1\r", "\r\nERROR\r\n"),
            ("AT+COPS?\r", "\r\n+COPS: 0,0,\"Free\",2\r\n\r\nOK\r\n"),
            ("AT+COPS=3,2\r", "\r\nOK\r\n"),
            ("AT+COPS?\r", "\r\n+COPS: 0,2,\"20815\",2\r\n\r\nOK\r\n"),
            ("AT+CREG=1\r", "\r\nOK\r\n"),
            ("AT+COPS=2\r", "\r\n+CREG: 0\r\n\r\nOK\r\n"),
            ("AT+COPS?\r", "\r\n+COPS: 2\r\n\r\nOK\r\n"),
            ("AT+CMEE=1;+COPS=1,2,\"26201\"\r", "\r\n+CME ERROR: 30\r\n"),
            ("AT+COPS=1,2,\"20815\"\r", "\r\n+CREG: 1\r\n\r\nOK\r\n"),
            ("AT+COPS=9\r", "\r\nERROR\r\n"),
        ],
    );
}

#[test]
fn the_network_sets_the_clock_only_if_enabled() {
    let time = Some(TimeOfDay { origin: 1_800_000_000, quarters: 4 });
    let radio = || Event::Radio(Cell { time, ..Cell::default() });
    let unset = "\r\n+CCLK: \"80/01/06,00:01:40+00\"\r\n\r\nOK\r\n";
    let right = "\r\n+CCLK: \"27/01/15,09:01:40+04\"\r\n\r\nOK\r\n";
    let mut option = without_echo(icon_225());
    option.step(radio(), START);
    dialogue(&mut option, &[("AT+CCLK?\r", unset), ("AT+CTZU=1\r", "\r\nOK\r\n"), ("AT+CCLK?\r", right)]);
    let mut huawei = without_echo(huawei());
    huawei.step(radio(), START);
    dialogue(&mut huawei, &[("AT+CTZU=1\r", "\r\nERROR\r\n"), ("AT+CCLK?\r", right)]);
    huawei.step(Event::Breaks(Fault::WrongTime("00/00/00".to_owned())), START);
    assert_eq!(answer(&mut huawei, "AT+CCLK?\r"), "\r\n+CCLK: \"00/00/00\"\r\n\r\nOK\r\n");
}

#[test]
fn cfun_switches_the_radio_off_and_restarts_the_modem() {
    let mut modem = without_echo(icon_225());
    dialogue(
        &mut modem,
        &[
            ("AT+CFUN=4\r", "\r\nOK\r\n"),
            ("AT+CREG?;+CSQ\r", "\r\n+CREG: 0,0\r\n\r\n+CSQ: 99,99\r\n\r\nOK\r\n"),
            ("AT+CFUN=7\r", "\r\nERROR\r\n"),
            ("AT+CFUN=?\r", "\r\n+CFUN: (0,1,4),(0-1)\r\n\r\nOK\r\n"),
            ("AT+CFUN=1,1\r", "\r\nOK\r\n"),
            ("AT+CFUN?\r", "AT+CFUN?\r\r\n+CFUN: 1\r\n\r\nOK\r\n"),
        ],
    );
}

#[test]
fn repeated_urcs_can_be_disabled() {
    let mut modem = without_echo(huawei());
    let minute = START + Duration::from_secs(60);
    let urcs = said(&modem.step(Event::Time, minute));
    assert_eq!(urcs.matches("^BOOT:").count(), 3);
    assert_eq!(urcs.matches("^RSSI:18").count(), 2);
    modem.step(Event::Typed(0, b"AT^CURC=0\r".to_vec()), minute);
    assert_eq!(said(&modem.step(Event::Time, minute + Duration::from_secs(120))), "");
}

#[test]
fn on_lte_each_registration_command_says_its_own() {
    let cell = |registration, domains| Event::Radio(Cell { registration, domains, ..Cell::default() });
    let mut modem = without_echo(ec25());
    answer(&mut modem, "AT+CREG=1;+CEREG=2\r");
    let urcs = said(&modem.step(cell(Registration::Home, Domains::LteWithoutCalls), START));
    assert_eq!(urcs, "\r\n+CREG: 3\r\n\r\n+CEREG: 1,\"02A1\",\"0012F4C7\",7\r\n");
    dialogue(
        &mut modem,
        &[
            ("AT+CREG?\r", "\r\n+CREG: 1,3\r\n\r\nOK\r\n"),
            ("AT+CGREG?\r", "\r\n+CGREG: 0,3\r\n\r\nOK\r\n"),
            ("AT+CEREG?\r", "\r\n+CEREG: 2,1,\"02A1\",\"0012F4C7\",7\r\n\r\nOK\r\n"),
            ("AT+CEREG=6\r", "\r\nERROR\r\n"),
            ("AT+COPS?\r", "\r\n+COPS: 0,0,\"Free\",7\r\n\r\nOK\r\n"),
            ("AT+CGDCONT=1,\"IPV4V6\",\"free\"\r", "\r\nOK\r\n"),
        ],
    );
    assert_eq!(answer(&mut without_echo(icon_225()), "AT+CEREG?\r"), "\r\nERROR\r\n");
    assert_eq!(answer(&mut without_echo(icon_225()), "AT+CGDCONT=1,\"IPV4V6\",\"free\"\r"), "\r\nERROR\r\n");
}

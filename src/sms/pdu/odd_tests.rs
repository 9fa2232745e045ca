//! Messages with invalid or rare fields.

use super::tests::deliver;
use super::*;

/// Messages of real modems with an unused field that is rare or violates TS 23.040, from ModemManager's
/// test-sms-part-3gpp.c (`test_pdu2`; `test_pdu3`
/// and its variants: a TP-PID of FF, no TP-MMS, a number of unknown type; `test_pdu_dcsf1`'s fields),
/// gammu/gammu#483 (TP-SRI, coding FB), pmarti/python-messaging#44 (half an hour in the zone),
/// faucamp/python-gsmmodem#36 and DarkHobbit/doublecontact#49 (a name, and a part of a longer one,
/// cut here), and the fields of babca/python-gsmmodem#15 and of oFono's `sr_pdu3` in a message.
#[test]
fn an_invalid_unused_field_does_not_matter() {
    for (hex, shown) in [
        (
            "07919730071111F10414D04937BD2C7797E9D3E6140008113092910240610804420435044104 42",
            "\"InternetSMS\", 2011-03-29 19:20:04 +04:00: тест",
        ),
        (
            "07912143658709F1040B918100551512F20000111010214365000AE8329BFD4697D9EC37",
            "+18005551212, 2011-01-01 12:34:56 +00:00: hellohello",
        ),
        (
            "07912143658709F1040B918100551512F2FF00111010214365000AE8329BFD4697D9EC37",
            "+18005551212, 2011-01-01 12:34:56 +00:00: hellohello",
        ),
        (
            "07912143658709F1000B918100551512F20000111010214365000AE8329BFD4697D9EC37",
            "+18005551212, 2011-01-01 12:34:56 +00:00: hellohello",
        ),
        (
            "07912143658709F1040B818100551512F20000111010214365000AE8329BFD4697D9EC37",
            "18005551212, 2011-01-01 12:34:56 +00:00: hellohello",
        ),
        (
            "0791330609 1093F00404858100 00F1116042318051800AE8329BFD4697D9EC37",
            "1800, 2011-06-24 13:08:15 +02:00: hellohello",
        ),
        (
            "06914977000030200B914977000000F000FB918050809053220AE8329BFD4697D9EC37",
            "+94770000000, 2019-08-05 08:09:35 +05:30: hellohello",
        ),
        (
            "0791198954800710040C9119678197692100007101501145402202E833",
            "+917618799612, 2017-10-05 11:54:04 +05:30: hg",
        ),
        (
            "07919762020033F1400DD0CDF2396C7EBB01000841507241108461080500035602010053",
            "\"Megafon\", 2014-05-27 14:01:48 +04:00, part 1 of 2: S",
        ),
        (
            "07918350000014F0400ED0D637396C7EBBCB0008026011901063210A0500038803030020043F",
            "\"Vodafone\", 2020-06-11 09:01:36 +03:00, part 3 of 3:  п",
        ),
        // Zone C2, as in babca/python-gsmmodem#15: its second digit is invalid.
        (
            "07912143658709F1040B918100551512F2000061010340 9544C20AE8329BFD4697D9EC37",
            "+18005551212, not understood (610103409544C2): hellohello",
        ),
        // Zone A0, as in oFono's `sr_pdu3`.
        (
            "07912143658709F1040B918100551512F2000090190124 1306A00AE8329BFD4697D9EC37",
            "+18005551212, not understood (901901241306A0): hellohello",
        ),
        // A month 0; a 31st of February; all zeros, from a service centre without a clock.
        (
            "07912143658709F1040B918100551512F20000620071309585800AE8329BFD4697D9EC37",
            "+18005551212, not understood (62007130958580): hellohello",
        ),
        (
            "07912143658709F1040B918100551512F20000622013309585800AE8329BFD4697D9EC37",
            "+18005551212, not understood (62201330958580): hellohello",
        ),
        (
            "07912143658709F1040B918100551512F20000000000000000000AE8329BFD4697D9EC37",
            "+18005551212, not understood (00000000000000): hellohello",
        ),
        // The service centre: a filler within (the ZTE modem's of python-gsmmodem's tests has 97F1), a
        // name, invalid digits, too many of them, and a type without digits.
        (
            "0297F1040B918100551512F20000111010214365000AE8329BFD4697D9EC37",
            "+18005551212, 2011-01-01 12:34:56 +00:00: hellohello",
        ),
        (
            "0791F1436587F9F1040B918100551512F20000111010214365000AE8329BFD4697D9EC37",
            "+18005551212, 2011-01-01 12:34:56 +00:00: hellohello",
        ),
        (
            "05D0D4E2940A040B918100551512F20000111010214365000AE8329BFD4697D9EC37",
            "+18005551212, 2011-01-01 12:34:56 +00:00: hellohello",
        ),
        (
            "0D91FFFFFFFFFFFFFFFFFFFFFFFF040B918100551512F20000111010214365000AE8329BFD4697D9EC37",
            "+18005551212, 2011-01-01 12:34:56 +00:00: hellohello",
        ),
        (
            "0191040B918100551512F20000111010214365000AE8329BFD4697D9EC37",
            "+18005551212, 2011-01-01 12:34:56 +00:00: hellohello",
        ),
        // TS 23.040 §9.2.3.24: only a header whose last element is cut off is ignored.
        (
            "07912143658709F1440B918100551512F200081110102143650006030003050041",
            "+18005551212, 2011-01-01 12:34:56 +00:00: A",
        ),
    ] {
        let Deliver { from, sent, body, part } = deliver(&hex.replace(' ', ""));
        let part = part.map_or(String::new(), |part| format!(", part {} of {}", part.number, part.of));
        let Body::Text(said) = body else { panic!("{hex}: {body:?}") };
        assert_eq!(format!("{from}, {sent}{part}: {said}"), shown, "{hex}");
    }
}

/// oFono's test-sms.c (`test_sr_assembly`), babca/python-gsmmodem#15, and the report of a ZTE modem in
/// the tests of python-gsmmodem.
#[test]
fn a_status_report_with_invalid_times_still_has_its_status() {
    for (hex, shown) in [
        (
            "0006040D91945152991136F00160124130340A0160124130940A00",
            "4 to +4915259911630, 2010-06-21 14:03:43 -05:00, 2010-06-21 14:03:49 -05:00",
        ),
        (
            "000606098121436587F9019012413064A0019012413045A000",
            "6 to 123456789, not understood (019012413064A0), not understood (019012413045A0)",
        ),
        (
            "0006230E9126983575169498610103409544C26101034095448200",
            "35 to +62895357614989, not understood (610103409544C2), 2016-10-30 04:59:44 +07:00",
        ),
        (
            "0297F1061C0F910B487228297020F5317062419272803170624192138000",
            "28 to +#08427829207025, 2013-07-26 14:29:27 +02:00, 2013-07-26 14:29:31 +02:00",
        ),
    ] {
        let Ok(Incoming::StatusReport(report)) = Incoming::decode(hex) else { panic!("{hex}") };
        let StatusReport { reference, to, submitted, discharged, status } = report;
        assert_eq!(format!("{reference} to {to}, {submitted}, {discharged}"), shown, "{hex}");
        assert_eq!(status, Status(0));
    }
}

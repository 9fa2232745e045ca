//! Parses the time that modems report.
//!
//! `+CCLK` is local time with its zone (TS 27.007 §8.15), but some modems show universal time with the zone, or leave
//! out the zone. The line does not tell which.

use serde::{Deserialize, Serialize};

use crate::calendar::Civil;

/// A modem without the network's time starts at a year of its maker's choice: 2000, 2004, 2015, and 1980, which it
/// writes as 80. The dialer decides whether to believe a later time.
const YEARS: std::ops::RangeInclusive<i64> = 2024..=2069;
/// From UTC-12 to UTC+14, in quarters of an hour.
const ZONES: std::ops::RangeInclusive<i64> = -48..=56;
const QUARTER: i64 = 900;

/// The meaning of a clock's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Meaning {
    /// Local time.
    Local,
    /// UTC
    Universal,
}

/// A time with two possible meanings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockReading {
    /// The clock's time, in seconds since 1970 as if it were UTC.
    pub shown: i64,
    /// Its zone, in seconds east of Greenwich.
    pub east: Option<i64>,
    /// Its probable meaning, by its maker.
    pub likely: Meaning,
}

impl ClockReading {
    /// Whether a line can contain this: a possible year and zone.
    pub fn is_possible(&self) -> bool {
        let first_of = |year| Civil { year, month: 1, day: 1, hour: 0, minute: 0, second: 0 }.unix();
        let years = first_of(*YEARS.start()).zip(first_of(YEARS.end() + 1));
        let is_zone = |east: i64| east % QUARTER == 0 && ZONES.contains(&(east / QUARTER));
        years.is_some_and(|(first, end)| (first..end).contains(&self.shown)) && self.east.is_none_or(is_zone)
    }

    /// Seconds since 1970 if the clock means this. If the clock names no zone, `zone` returns the offset of local time
    /// from a Unix time.
    pub fn unix(self, meaning: Meaning, zone: impl Fn(i64) -> i64) -> i64 {
        match meaning {
            Meaning::Universal => self.shown,
            Meaning::Local => self.shown - self.east.unwrap_or_else(|| zone(self.shown)),
        }
    }
}

/// The time in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// Seconds since 1970.
    Universal(i64),
    Reading(ClockReading),
}

/// The format of a line with the time.
struct Form {
    name: &'static str,
    layout: Layout,
    /// `None` where modems differ.
    meaning: Option<Meaning>,
}

#[derive(Clone, Copy)]
enum Layout {
    /// `yy/MM/dd,hh:mm:ss±zz`, with or without quotation marks. A flag for daylight saving time may follow: the zone has
    /// it in (TS 24.008 §10.5.3.8 and §10.5.3.12).
    Text,
    /// `yyyy,M,d,h,m,s,"±zz",dst`
    Values,
    /// `±zz,dst,"yyyy/MM/dd,hh:mm:ss"`
    ZoneFirst,
}

/// `*PSUTTZ`: SIMCom, "refresh network time and time zone by network", which is universal time (TinyGSM,
/// TinyGsmClientA7672x.h). `+QNITZ`: Quectel's 2G modules, GMT. `*TLTS`: Icera, "UTC time with the TZ offset to local time"
/// (ModemManager, plugins/icera). `^NWTIME`: Huawei, read as local time by ModemManager and as universal time by oFono,
/// drivers/atmodem/network-registration.c. `+NITZ`: what the network sends is universal time (TS 24.008 §10.5.3.9).
/// `+CTZE`: TS 27.007 §8.41, local time.
const FORMS: &[Form] = &[
    Form { name: "+CCLK", layout: Layout::Text, meaning: None },
    Form { name: "^NWTIME", layout: Layout::Text, meaning: None },
    Form { name: "+NITZ", layout: Layout::Text, meaning: None },
    Form { name: "+CTZE", layout: Layout::ZoneFirst, meaning: None },
    Form { name: "+QNITZ", layout: Layout::Text, meaning: Some(Meaning::Universal) },
    Form { name: "*TLTS", layout: Layout::Text, meaning: Some(Meaning::Universal) },
    Form { name: "*PSUTTZ", layout: Layout::Values, meaning: Some(Meaning::Universal) },
];

/// Makers whose clocks show universal time with a zone beside it, in what `+CGMI` answers, in lower case. Quectel after
/// `+CTZU=1`: ModemManager, plugins/quectel/mm-shared-quectel.c (EC25), and TinyGSM, TinyGsmClientBG96.h. u-blox SARA-R4:
/// arduino-libraries/MKRNB#28. All others follow TS 27.007, as far as is known.
const UNIVERSAL: &[&str] = &["quectel", "u-blox"];

/// Parses a line of this maker's modem; `None` for other lines, and for an impossible time.
pub(super) fn parse(line: &str, manufacturer: Option<&str>) -> Option<Told> {
    let tells = |form: &Form| line.strip_prefix(form.name)?.strip_prefix(':');
    let (form, text) = FORMS.iter().find_map(|form| Some((form, tells(form)?)))?;
    let text = text.replace('"', "");
    let (shown, quarters) = match form.layout {
        Layout::Text => with_zone(&text)?,
        Layout::Values => (values(&text)?, None),
        Layout::ZoneFirst => {
            let (zone, rest) = text.split_once(',')?;
            let (_, time) = rest.split_once(',')?;
            (with_zone(time)?.0, Some(zone.trim().parse().ok()?))
        }
    };
    if quarters.is_some_and(|quarters| !ZONES.contains(&quarters)) {
        return None;
    }
    if form.meaning == Some(Meaning::Universal) || quarters == Some(0) {
        return Some(Told::Universal(shown));
    }
    let manufacturer = manufacturer.unwrap_or_default().to_ascii_lowercase();
    let is_universal = UNIVERSAL.iter().any(|maker| manufacturer.contains(maker));
    let likely = if is_universal { Meaning::Universal } else { Meaning::Local };
    Some(Told::Reading(ClockReading { shown, east: quarters.map(|quarters| quarters * QUARTER), likely }))
}

/// `yy/MM/dd,hh:mm:ss±zz…`; the year may have four digits, and the zone may be missing.
fn with_zone(text: &str) -> Option<(i64, Option<i64>)> {
    let (date, time) = text.trim().split_once([',', ' '])?;
    let time = time.trim().split(',').next()?;
    let (clock, zone) = time.split_at(time.find(['+', '-']).unwrap_or(time.len()));
    let shown = civil(numbers(date, '/')?, numbers(clock, ':')?)?;
    match zone.trim() {
        "" => Some((shown, None)),
        quarters => Some((shown, Some(quarters.parse().ok()?))),
    }
}

fn values(text: &str) -> Option<i64> {
    let fields: Vec<_> = text.split(',').collect();
    let three = |at: usize| numbers(&fields.get(at..at + 3)?.join(","), ',');
    civil(three(0)?, three(3)?)
}

fn numbers(text: &str, separator: char) -> Option<[i64; 3]> {
    let numbers: Option<Vec<i64>> = text.split(separator).map(|number| number.trim().parse().ok()).collect();
    numbers?.try_into().ok()
}

fn civil([year, month, day]: [i64; 3], [hour, minute, second]: [i64; 3]) -> Option<i64> {
    let year = if (0..100).contains(&year) { year + 2000 } else { year };
    if !YEARS.contains(&year) {
        return None;
    }
    Civil { year, month, day, hour, minute, second }.unix()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Meaning::{Local, Universal};
    use proptest::prelude::*;

    /// `date -u -d '2026-07-14 03:59:58' +%s` of GNU coreutils 9.1.
    const THAT_MORNING: i64 = 1_784_001_598;
    const HOUR: i64 = 3600;

    fn reading(hours_later: i64, east: Option<i64>, likely: Meaning) -> Option<Told> {
        Some(Told::Reading(ClockReading { shown: THAT_MORNING + hours_later * HOUR, east, likely }))
    }

    /// The forms are those of ModemManager 1d4caa92 ("MM": src/tests/test-modem-helpers.c, plugins/huawei/tests), gammu
    /// 78fd6a92 and the sources named; their dates are changed to a possible year.
    #[test]
    fn every_modem_s_form_of_the_time_is_parsed() {
        let exactly = Some(Told::Universal(THAT_MORNING));
        let table = [
            ("+CCLK: \"26/07/14,03:59:58+00\"", None, exactly),
            ("+CCLK: \"26/07/14,05:59:58+08\"", None, reading(2, Some(2 * HOUR), Local)), // MM
            ("+CCLK: \"26/07/13,20:59:58-28\"", None, reading(-7, Some(-7 * HOUR), Local)), // MM
            ("+CCLK: \"26/07/14,05:59:58\"", None, reading(2, None, Local)),              // MM
            ("+CCLK: 26/07/14,05:59:58+08", None, reading(2, Some(2 * HOUR), Local)),     // MM
            ("+CCLK:   \"26/07/14,05:59:58+08\"", None, reading(2, Some(2 * HOUR), Local)), // MM
            ("+CCLK:   26/07/14,05:59:58+08", None, reading(2, Some(2 * HOUR), Local)),   // MM
            ("+CCLK: 2026/07/14,05:59:58", None, reading(2, None, Local)), // gammu, atgen.c: Motorola's four digits
            ("+CCLK: \"2026/07/14,05:59:58+8\"", None, reading(2, Some(2 * HOUR), Local)), // gammu, atgen.c
            ("+CCLK: \"26/07/14,03:59:58+44\"", Some("u-blox"), reading(0, Some(11 * HOUR), Universal)), // MKRNB#28
            ("+CCLK: \"26/07/14,03:59:58+08\"", Some("Quectel"), reading(0, Some(2 * HOUR), Universal)), // TinyGSM, BG96
            ("+CCLK: \"26/07/14,05:59:58+08\"", Some("SIMCOM_Ltd"), reading(2, Some(2 * HOUR), Local)), // TinyGSM#620
            ("^NWTIME: 26/07/14,05:59:58+08,00", Some("huawei"), reading(2, Some(2 * HOUR), Local)), // MM, huawei
            ("^NWTIME: 26/07/14,05:59:58+8,01", Some("huawei"), reading(2, Some(2 * HOUR), Local)), // gammu, at-statemachine.c
            ("+NITZ: 26/07/14,05:59:58+08,0", None, reading(2, Some(2 * HOUR), Local)),
            ("+QNITZ: \"26/07/14,03:59:58+08,0\"", Some("Quectel"), exactly), // M95
            ("*TLTS: \"26/07/14,03:59:58+08\"", None, exactly),               // MM, plugins/icera
            ("*PSUTTZ: 2026,7,14,3,59,58,\"+8\",1", None, exactly),
            ("*PSUTTZ: 26,7,14,3,59,58,\"+8\",1", None, exactly),
            ("+CTZE: \"+08\",1,\"2026/07/14,05:59:58\"", None, reading(2, Some(2 * HOUR), Local)), // TS 27.007 §8.41
            ("+CTZE: +08,0,\"26/07/14,03:59:58\"", Some("Quectel"), reading(0, Some(2 * HOUR), Universal)),
            ("+CSQ: 17,99", None, None),
            ("+CTZV: 8", None, None),
            ("+CTZE: +08,0", None, None),
        ];
        for (line, manufacturer, expected) in table {
            assert_eq!(parse(line, manufacturer), expected, "{line} {manufacturer:?}");
        }
    }

    #[test]
    fn a_reading_is_one_of_two_times() {
        let summer = |_| 2 * HOUR;
        for (east, local) in [(Some(HOUR), THAT_MORNING - HOUR), (None, THAT_MORNING - 2 * HOUR)] {
            let reading = ClockReading { shown: THAT_MORNING, east, likely: Local };
            assert_eq!(reading.unix(Local, summer), local);
            assert_eq!(reading.unix(Universal, summer), THAT_MORNING);
        }
    }

    #[test]
    fn an_impossible_time_is_refused() {
        for line in [
            "+CCLK: \"80/01/06,00:00:00+00\"", // the beginning of GPS time
            "+CCLK: \"00/01/01,00:00:12+00\"",
            "+CCLK: \"04/01/01,00:00:12+00\"",
            "+CCLK: \"15/01/01,00:00:12+00\"",
            "+CCLK: \"26/13/14,03:59:58+00\"",
            "+CCLK: \"26/02/30,03:59:58+00\"",
            "+CCLK: \"26/07/14,24:00:00+00\"",
            "+CCLK: \"26/07/14,03:59:58+99\"",
            "+CCLK: \"XX/XX/XX,XX:XX:XX+XX\"", // ModemManager, test-modem-helpers.c
            "+CCLK: \"1926/07/14,03:59:58+00\"",
            "+CCLK: \"\"",
            "^NWTIME: 90/01/06,00:00:00+00,00",
            "*PSUTTZ: 1980,1,6,0,0,0,\"+0\",0",
            "*PSUTTZ: 2026,7,14",
        ] {
            assert_eq!(parse(line, None), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in "(\\+CCLK: |\\*PSUTTZ: |\\+CTZE: )?[0-9/,:+\"-]{0,30}\\PC{0,10}") {
            parse(&line, None);
        }
    }
}

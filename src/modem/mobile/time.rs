//! The time as the network has told it to the modem.

use crate::calendar::Civil;
use crate::modem::at::values::fields;

/// A modem that was not told the time begins at its maker's idea of one: 2000, 2004, 2015, and 1980,
/// which it writes as 80. Whether the rest is believed is for the dialer to decide.
const YEARS: std::ops::RangeInclusive<i64> = 2024..=2069;

/// Seconds since 1970 in a line that tells the time; `None` for other lines, and for a time that
/// cannot be.
pub(super) fn parse(line: &str) -> Option<i64> {
    clock_of_modem(line).or_else(|| push_of_simcom(line))
}

/// `+CCLK: "yy/MM/dd,hh:mm:ss±zz"`: local time, and its zone in quarters of an hour (TS 27.007
/// §8.15). Without a zone it may be the time of anywhere.
fn clock_of_modem(line: &str) -> Option<i64> {
    let values = fields(line, "+CCLK")?;
    let (date_and_time, quarters) = split_zone(values.first()?)?;
    let fields: Vec<i64> =
        date_and_time.split(['/', ',', ':']).map(|field| field.trim().parse().ok()).collect::<Option<_>>()?;
    let [year, month, day, hour, minute, second] = fields[..] else { return None };
    unix([year + 2000, month, day, hour, minute, second], quarters)
}

fn split_zone(text: &str) -> Option<(&str, i64)> {
    let sign = text.rfind(['+', '-'])?;
    let (time, zone) = text.split_at_checked(sign)?;
    Some((time, zone.parse().ok()?))
}

/// `*PSUTTZ: yyyy,M,d,h,m,s,"±zz",dst` of SIMCom's modules: universal time, and the zone beside it.
fn push_of_simcom(line: &str) -> Option<i64> {
    let values = fields(line, "*PSUTTZ")?;
    let fields: Vec<i64> = values.get(..6)?.iter().map(|field| field.parse().ok()).collect::<Option<_>>()?;
    let [year, month, day, hour, minute, second] = fields[..] else { return None };
    // Two digits by some, four by others.
    unix([if year < 100 { year + 2000 } else { year }, month, day, hour, minute, second], 0)
}

fn unix(fields: [i64; 6], quarters_east: i64) -> Option<i64> {
    let [year, month, day, hour, minute, second] = fields;
    // UTC-12 to UTC+14
    if !YEARS.contains(&year) || !(-48..=56).contains(&quarters_east) {
        return None;
    }
    Some(Civil { year, month, day, hour, minute, second }.unix()? - quarters_east * 900)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `date -u -d '2026-07-14 03:59:58' +%s` of GNU coreutils 9.1.
    const THAT_MORNING: i64 = 1_784_001_598;

    #[test]
    fn the_time_is_told_as_utc_whatever_the_zone() {
        let table = [
            ("+CCLK: \"26/07/14,03:59:58+00\"", Some(THAT_MORNING)),
            ("+CCLK: \"26/07/14,05:59:58+08\"", Some(THAT_MORNING)),
            ("+CCLK: \"26/07/13,20:59:58-28\"", Some(THAT_MORNING)),
            ("+CCLK: 26/07/14,05:59:58+08", None), // the comma separates values without the quotes
            ("*PSUTTZ: 2026,7,14,3,59,58,\"+8\",1", Some(THAT_MORNING)),
            ("*PSUTTZ: 26,7,14,3,59,58,\"+8\",1", Some(THAT_MORNING)),
            ("+CSQ: 17,99", None),
        ];
        for (line, expected) in table {
            assert_eq!(parse(line), expected, "{line}");
        }
    }

    #[test]
    fn a_time_that_cannot_be_is_no_time() {
        for line in [
            "+CCLK: \"80/01/06,00:00:00+00\"", // the beginning of GPS time
            "+CCLK: \"00/01/01,00:00:12+00\"",
            "+CCLK: \"04/01/01,00:00:12+00\"",
            "+CCLK: \"15/01/01,00:00:12+00\"",
            "+CCLK: \"26/13/14,03:59:58+00\"",
            "+CCLK: \"26/02/30,03:59:58+00\"",
            "+CCLK: \"26/07/14,24:00:00+00\"",
            "+CCLK: \"26/07/14,03:59:58\"",
            "+CCLK: \"26/07/14,03:59:58+99\"",
            "+CCLK: \"\"",
            "*PSUTTZ: 1980,1,6,0,0,0,\"+0\",0",
            "*PSUTTZ: 2026,7,14",
        ] {
            assert_eq!(parse(line), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in "(\\+CCLK: |\\*PSUTTZ: )?\\PC*") {
            parse(&line);
        }
    }
}

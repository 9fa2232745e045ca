//! The forms in which a country's networks write one of its own numbers: ITU-T E.164, and the
//! prefixes of ITU's "Dialling procedures" (annex to Operational Bulletin 994).
//!
//! An SMS names its sender with a type of number (TS 23.040 §9.1.2.5). Not every network fills it
//! in: `33612345678`, `0033612345678` and `0612345678` with the type "unknown", and `612345678` with
//! the type "national", are all +33612345678, if the message comes from a French network.

use crate::site::PhoneNumber;

/// How a country dials.
#[derive(Debug, PartialEq, Eq)]
pub struct DiallingPlan {
    /// Its code, without `+`.
    country: &'static str,
    /// Before a number of another country, and before the country's code.
    international: &'static str,
    /// Before a number of the same country; empty where numbers are dialled as they are.
    national: &'static str,
}

const fn plan(country: &'static str, international: &'static str, national: &'static str) -> DiallingPlan {
    DiallingPlan { country, international, national }
}

/// Countries whose prefixes are known. One that is missing has its international form alone. Countries
/// with several international prefixes, one for each carrier, have the common one.
const PLANS: &[DiallingPlan] = &[
    plan("1", "011", "1"),   // North America
    plan("20", "00", "0"),   // Egypt
    plan("212", "00", "0"),  // Morocco
    plan("213", "00", "0"),  // Algeria
    plan("216", "00", ""),   // Tunisia
    plan("27", "00", "0"),   // South Africa
    plan("30", "00", ""),    // Greece
    plan("31", "00", "0"),   // Netherlands
    plan("32", "00", "0"),   // Belgium
    plan("33", "00", "0"),   // France
    plan("34", "00", ""),    // Spain
    plan("351", "00", ""),   // Portugal
    plan("352", "00", ""),   // Luxembourg
    plan("353", "00", "0"),  // Ireland
    plan("354", "00", ""),   // Iceland
    plan("355", "00", "0"),  // Albania
    plan("356", "00", ""),   // Malta
    plan("357", "00", ""),   // Cyprus
    plan("358", "00", "0"),  // Finland
    plan("359", "00", "0"),  // Bulgaria
    plan("36", "00", "06"),  // Hungary
    plan("370", "00", "0"),  // Lithuania
    plan("371", "00", ""),   // Latvia
    plan("372", "00", ""),   // Estonia
    plan("373", "00", "0"),  // Moldova
    plan("376", "00", ""),   // Andorra
    plan("377", "00", ""),   // Monaco
    plan("380", "00", "0"),  // Ukraine
    plan("381", "00", "0"),  // Serbia
    plan("382", "00", "0"),  // Montenegro
    plan("385", "00", "0"),  // Croatia
    plan("386", "00", "0"),  // Slovenia
    plan("387", "00", "0"),  // Bosnia and Herzegovina
    plan("389", "00", "0"),  // North Macedonia
    plan("39", "00", ""),    // Italy: the 0 of a fixed line is part of its number
    plan("40", "00", "0"),   // Romania
    plan("41", "00", "0"),   // Switzerland
    plan("420", "00", ""),   // Czechia
    plan("421", "00", "0"),  // Slovakia
    plan("423", "00", ""),   // Liechtenstein
    plan("43", "00", "0"),   // Austria
    plan("44", "00", "0"),   // United Kingdom
    plan("45", "00", ""),    // Denmark
    plan("46", "00", "0"),   // Sweden
    plan("47", "00", ""),    // Norway
    plan("48", "00", ""),    // Poland
    plan("49", "00", "0"),   // Germany
    plan("52", "00", ""),    // Mexico
    plan("54", "00", "0"),   // Argentina
    plan("60", "00", "0"),   // Malaysia
    plan("61", "0011", "0"), // Australia
    plan("62", "00", "0"),   // Indonesia
    plan("63", "00", "0"),   // Philippines
    plan("64", "00", "0"),   // New Zealand
    plan("7", "810", "8"),   // Russia, Kazakhstan
    plan("81", "010", "0"),  // Japan
    plan("84", "00", "0"),   // Vietnam
    plan("86", "00", "0"),   // China
    plan("90", "00", "0"),   // Türkiye
    plan("91", "00", "0"),   // India
    plan("92", "00", "0"),   // Pakistan
    plan("94", "00", "0"),   // Sri Lanka
    plan("966", "00", "0"),  // Saudi Arabia
    plan("971", "00", "0"),  // United Arab Emirates
    plan("972", "00", "0"),  // Israel
    plan("98", "00", "0"),   // Iran
];

/// Digits without a type that says how they are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meant {
    /// Anything.
    Unknown,
    /// Within the country.
    National,
}

impl DiallingPlan {
    /// The plan of the country that all these numbers belong to. Where they belong to several, no
    /// form but the international one is any of theirs beyond doubt.
    #[must_use]
    pub fn of(numbers: &[PhoneNumber]) -> Option<&'static Self> {
        let of_one =
            |number: &PhoneNumber| PLANS.iter().find(|plan| digits(number).starts_with(plan.country));
        let mut plans = numbers.iter().map(of_one);
        let first = plans.next()??;
        plans.all(|plan| plan == Some(first)).then_some(first)
    }

    /// Whether these digits are that number, as this country's networks may write it.
    #[must_use]
    pub fn admits(&self, written: &str, meant: Meant, number: &PhoneNumber) -> bool {
        let whole = digits(number);
        let Some(significant) = whole.strip_prefix(self.country) else { return false };
        // The significant number alone is the national form; without the type it is one only where
        // nothing is dialled before it.
        let is_national = written.strip_prefix(self.national) == Some(significant)
            || (meant == Meant::National && written == significant);
        is_national || (meant == Meant::Unknown && written.strip_prefix(self.international) == Some(whole))
    }
}

fn digits(number: &PhoneNumber) -> &str {
    number.as_str().trim_start_matches('+')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> PhoneNumber {
        text.parse().unwrap()
    }

    /// E.164 has no code that begins with another one.
    #[test]
    fn no_country_code_begins_with_another() {
        for plan in PLANS {
            let same = PLANS.iter().filter(|other| other.country.starts_with(plan.country));
            assert_eq!(same.count(), 1, "{}", plan.country);
        }
    }

    #[test]
    fn only_a_country_s_own_forms_match_its_numbers() {
        use Meant::{National, Unknown};
        for (number_of, written, meant, is_it) in [
            ("+33612345678", "0612345678", Unknown, true),
            ("+33612345678", "0612345678", National, true),
            ("+33612345678", "612345678", National, true),
            ("+33612345678", "612345678", Unknown, false), // a number of seven to nine digits elsewhere
            ("+33612345678", "0033612345678", Unknown, true),
            ("+33612345678", "0033612345678", National, false),
            ("+33612345678", "33612345678", National, false), // within Italy, say
            ("+33612345678", "0612345679", Unknown, false),
            ("+33612345678", "00612345678", Unknown, false),
            ("+33612345678", "06", Unknown, false),
            ("+33612345678", "", National, false),
            ("+34612345678", "612345678", Unknown, true), // nothing is dialled before it in Spain
            ("+34612345678", "0612345678", Unknown, false),
            ("+36201234567", "06201234567", Unknown, true),
            ("+36201234567", "0201234567", Unknown, false),
            ("+390612345678", "0612345678", Unknown, true),
            ("+79161234567", "89161234567", Unknown, true),
            ("+79161234567", "81079161234567", Unknown, true),
            ("+12125551212", "12125551212", Unknown, true),
            ("+12125551212", "2125551212", National, true),
            ("+12125551212", "01112125551212", Unknown, true),
            ("+447700900123", "07700900123", Unknown, true),
            ("+61412345678", "0011614123 45678", Unknown, false),
            ("+61412345678", "001161412345678", Unknown, true),
        ] {
            let number = number(number_of);
            let plan = DiallingPlan::of(std::slice::from_ref(&number)).unwrap();
            assert_eq!(plan.admits(written, meant, &number), is_it, "{number_of} {written} {meant:?}");
        }
    }

    #[test]
    fn numbers_of_several_countries_have_no_plan_in_common() {
        let of = |numbers: &[&str]| {
            let numbers: Vec<_> = numbers.iter().map(|text| number(text)).collect();
            DiallingPlan::of(&numbers).map(|plan| plan.country)
        };
        assert_eq!(of(&["+33612345678", "+33698765432"]), Some("33"));
        assert_eq!(of(&["+33612345678", "+390612345678"]), None);
        assert_eq!(of(&["+33612345678", "+2901234567"]), None);
        assert_eq!(of(&["+2901234567"]), None, "its prefixes are not known");
        assert_eq!(of(&[]), None);
    }
}

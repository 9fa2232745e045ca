//! Seconds since 1970 as dates.

/// The Gregorian date of a day counted from 1970 (H. Hinnant, chrono-Compatible Low-Level Date
/// Algorithms, civil_from_days).
pub fn civil(days: u64) -> (u16, u16, u16) {
    let z = days + 719_468;
    let era = z / 146_097;
    let doe = z % 146_097;
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + u64::from(month <= 2);
    (year as u16, month as u16, day as u16)
}

/// `2026-07-11T10:16:37Z` (RFC 3339)
pub fn rfc3339(seconds: u64) -> String {
    let (year, month, day) = civil(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        for (day, date) in
            [(0, (1970, 1, 1)), (11_016, (2000, 2, 29)), (20_645, (2026, 7, 11)), (20_819, (2027, 1, 1))]
        {
            assert_eq!(civil(day), date);
        }
        assert_eq!(rfc3339(1_783_764_997), "2026-07-11T10:16:37Z");
    }
}

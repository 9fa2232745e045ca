//! The clock and the environment are read at the edge, in few places, and passed inwards, so that the rest behaves the
//! same on every machine and at any time.

use super::{Finding, Source};

// In pieces, since this rule also checks this file.
const CALENDAR: &str = concat!("SystemTime", "::now");
const STOPWATCH: &str = concat!("Instant", "::now");
const KERNEL_CLOCK: &str = concat!("clock", "_gettime");
/// The beginning of three functions' names.
const VARIABLE: &str = concat!("env", "::var");
const HOME: &str = concat!("env", "::home_dir");

const READS: [&str; 5] = [CALENDAR, STOPWATCH, KERNEL_CLOCK, VARIABLE, HOME];

/// The exceptions, each with its reason.
const ALLOWED: &[(&str, &[&str], &str)] = &[
    ("src/clock.rs", &[KERNEL_CLOCK], "the device's clock; all its services get the time from here"),
    ("xtask/build.rs", &[VARIABLE], "cargo names the compiler to a build script in the environment"),
    ("xtask/src/bench/checkout.rs", &[STOPWATCH], "what is measured is time"),
    ("xtask/src/bench/provision.rs", &[STOPWATCH], "what is measured is time"),
    ("xtask/src/context.rs", &[CALENDAR, VARIABLE, HOME], "the builder reads the machine here"),
    ("xtask/src/progress.rs", &[STOPWATCH], "how long a phase took, for the person at the terminal"),
    ("xtask/src/task/remote.rs", &[STOPWATCH], "how long a server of the shared cache is waited for"),
    ("xtask/src/verb/build_image.rs", &[STOPWATCH], "how long the build took, for the same person"),
    ("ci/lab/src/baresip.rs", &[STOPWATCH], "the deadlines for a program of this machine"),
    ("ci/lab/src/clock.rs", &[STOPWATCH], "the deadlines while no box is on, and of one that has hung"),
    ("ci/lab/src/demo/mod.rs", &[STOPWATCH], "how long a script waits for an answer"),
    ("ci/lab/src/exchange/mod.rs", &[STOPWATCH], "the clock of the telephone network"),
    ("ci/lab/src/lan/mod.rs", &[STOPWATCH], "the clock of the host in a local network"),
    ("ci/lab/src/measure/boot.rs", &[STOPWATCH], "what is measured is time"),
    ("ci/lab/src/measure/dial_in.rs", &[STOPWATCH], "what is measured is time"),
    ("ci/lab/src/measure/exchange/relay.rs", &[STOPWATCH], "what is measured is time"),
    ("ci/lab/src/scenario/mod.rs", &[STOPWATCH], "how long a scenario took, for the person at the terminal"),
    ("ci/lab/src/offer.rs", &[CALENDAR], "the network's time of day, for a program of this machine"),
    ("ci/lab/src/stage.rs", &[CALENDAR], "the network's time of day, later than any image was made"),
    ("ci/lab/src/usb/port.rs", &[STOPWATCH], "the clock of a USB device"),
];

/// Clock and environment are read only in the places of the list, and each place of the list reads them.
pub fn clock_and_environment(source: &Source) -> Vec<Finding> {
    let allowed: Vec<&str> =
        ALLOWED.iter().filter(|it| it.0 == source.path).flat_map(|it| it.1).copied().collect();
    let lines = source.product_lines();
    let mut findings = Vec::new();
    for (number, line) in &lines {
        for read in READS.iter().filter(|it| line.contains(**it) && !allowed.contains(*it)) {
            let what = format!("{read} is read away from the edge");
            findings.push(source.finding(
                *number,
                what,
                "take the value as an argument, or allow it in xtask/src/tidy/edges.rs with the reason",
            ));
        }
    }
    for read in allowed.iter().filter(|read| !lines.iter().any(|(_, line)| line.contains(**read))) {
        let what = format!("{read} may be read here, and is not");
        findings.push(source.finding(1, what, "take it out of the list in xtask/src/tidy/edges.rs"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_and_environment_are_read_only_at_the_edge() {
        let calendar = format!("let now = {CALENDAR}();\n");
        let variable = format!("let path = std::{VARIABLE}_os(\"PATH\");\n");
        let stopwatch = format!("let began = {STOPWATCH}();\n");
        let test = format!("#[cfg(test)]\nmod tests {{\n{stopwatch}}}\n");
        for (path, text, expected) in [
            ("xtask/src/task.rs", "let now = ctx.now;\n", 0),
            ("xtask/src/task.rs", &calendar, 1),
            ("src/service.rs", &variable, 1),
            ("src/service.rs", &test, 0),
            ("docs/architecture.md", &calendar, 0),
            ("xtask/build.rs", &variable, 0),
            ("xtask/build.rs", &format!("{variable}{calendar}"), 1),
            ("xtask/src/progress.rs", &stopwatch, 0),
        ] {
            let findings = clock_and_environment(&Source { path, text });
            assert_eq!(findings.len(), expected, "{path}: {text} {findings:?}");
        }
    }

    #[test]
    fn unneeded_exceptions_are_found() {
        let findings =
            clock_and_environment(&Source { path: "xtask/src/progress.rs", text: "fn quiet() {}\n" });
        assert!(findings[0].to_string().contains("may be read here, and is not"), "{findings:?}");
    }

    #[test]
    fn every_exception_has_a_reason() {
        for (path, reads, reason) in ALLOWED {
            assert!(!reads.is_empty() && reason.split(' ').count() > 3, "{path}");
        }
    }
}

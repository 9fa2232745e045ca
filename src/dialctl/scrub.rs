//! `dialctl scrub`: asks `scrubd` for a scrub, and waits for its result.

use std::io::{Write, stderr};
use std::thread::sleep;
use std::time::Duration;

use crate::clock;
use crate::names::record;
use crate::paths::Paths;
use crate::published::{CardStatus, Published};
use crate::record::Record;
use crate::status::card;

const POLL: Duration = Duration::from_millis(200);
/// `scrubd` looks for requests every two seconds.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two lines about the progress, in percent.
const STEP: u64 = 20;

/// Scrubs the card; progress goes to standard error. Returns what `scrubd` knows afterwards, as text or JSON.
///
/// # Errors
/// `scrubd` does not answer.
pub fn run(paths: &Paths, as_json: bool) -> Result<String, String> {
    let request = Record::new().with("at", clock::since_boot().as_secs());
    paths.publish(record::SCRUB_REQUEST, &request).map_err(|error| error.to_string())?;
    let mut told = 0;
    let mut answered = clock::since_boot();
    loop {
        // In this order: the request is removed after the record says that a pass runs.
        let is_waiting = paths.published(record::SCRUB_REQUEST).is_some();
        let status = paths.published(record::SCRUB).as_ref().and_then(CardStatus::from_record);
        match status {
            Some(status) if !is_waiting && status.percent.is_none() => {
                return Ok(if as_json { card::json(&status) + "\n" } else { card::text(&status) + "\n" });
            }
            Some(CardStatus { percent: Some(percent), .. }) => {
                answered = clock::since_boot();
                if percent / STEP != told / STEP {
                    // Nobody needs to see it.
                    let _ = writeln!(stderr(), "{percent} %");
                    told = percent;
                }
            }
            _ if clock::since_boot() > answered + PATIENCE => {
                paths.withdraw(record::SCRUB_REQUEST);
                return Err("scrubd does not answer; next: `dialctl status`, `logread`".to_owned());
            }
            _ => {}
        }
        sleep(POLL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_is_what_is_published_after_the_pass_that_was_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        let publish = |text: &str| paths.publish(record::SCRUB, &Record::parse(text)).unwrap();
        publish("twin=whole\nhealed=0\nbad=0\n");
        std::thread::scope(|scope| {
            let asked = scope.spawn(|| run(&paths, true));
            while paths.published(record::SCRUB_REQUEST).is_none() {
                sleep(POLL / 20);
            }
            publish("twin=whole\npercent=0\nhealed=0\nbad=0\n");
            paths.withdraw(record::SCRUB_REQUEST);
            publish("twin=whole\npercent=99\nhealed=1\nbad=0\n");
            publish("twin=whole\nscrubbed=7\nhealed=1\nbad=0\n");
            let told = asked.join().unwrap();
            assert_eq!(
                told.unwrap(),
                "{\"twin\":\"whole\",\"scrubbed\":7,\"healed\":1,\"bad\":0,\"kernel-log\":0}\n"
            );
        });
    }
}

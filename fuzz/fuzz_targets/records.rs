//! Any content of the small files and of the control socket: a record has one clean line for each key, and can be
//! written and read again.
#![no_main]

use dialbox::control::Request;
use dialbox::published::{BootStatus, CodesStatus, LineStatus, LinkStatus, ModemStatus, Published};
use dialbox::record::Record;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let record = Record::parse(text);
    let written = record.to_string();
    assert_eq!(Record::parse(&written), record);
    assert_eq!(written.lines().count(), record.iter().count());
    assert!(!written.contains(|c: char| c.is_control() && c != '\n'));
    if let Some(request) = Request::from_record(&record) {
        let record = Record::parse(&request.to_record().to_string());
        assert_eq!(Request::from_record(&record), Some(request));
    }
    is_kept::<BootStatus>(&record);
    is_kept::<CodesStatus>(&record);
    is_kept::<LineStatus>(&record);
    is_kept::<LinkStatus>(&record);
    is_kept::<ModemStatus>(&record);
});

/// A published record is the same after reading and publishing it again.
fn is_kept<P: Published>(record: &Record) {
    if let Some(published) = P::from_record(record) {
        let written = published.to_record();
        let again = P::from_record(&Record::parse(&written.to_string())).map(|again| again.to_record());
        assert_eq!(again, Some(written));
    }
}

//! Messages as other makers' modems and other networks bring and take them.

use super::field::{break_modem, open, until_settled};
use super::host_box::{HostBox, ONLY_PORT, OWNER, order, site};
use lab::modem::profile::{CDC_ACM, HUAWEI};
use lab::modem::{Fault, Sending};

/// SIM7670G
#[test]
fn a_prompt_that_ends_like_a_line_gets_its_text() {
    for profile in [CDC_ACM, HUAWEI] {
        let host_box = HostBox::dialer(&site(""), open(profile), ONLY_PORT);
        until_settled(&host_box);
        break_modem(&host_box, Fault::Sends(Sending { prompt_is_a_line: true, ..Sending::default() }));
        host_box.text(OWNER, &order("help", 0));
        host_box.answers(1);
        host_box.until_empty();
    }
}

//! Any bytes to the login prompt and its menu: no panic, no login without the password, and only answers that are text
//! of bounded length.
#![no_main]

use std::time::Duration;

use dialbox::line::login::{Admitted, Login, LoginResult, PromptWords};
use dialbox::line::{Authentication, authenticate};
use dialbox::site::{Account, Hostname, Offer, Prompts, Secret, UserName, Users};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let names = ("guest".parse::<UserName>(), PASSWORD.parse::<Secret>(), "box".parse::<Hostname>());
    let (Ok(name), Ok(password), Ok(hostname)) = names else {
        unreachable!("all are right");
    };
    let users = Users::Plain(vec![Account { name, password }]);
    let prompts = PromptWords::new(&Prompts::default(), &hostname);
    let mut login = Login::new(prompts, Duration::ZERO);
    let offers = vec![Offer::Ppp, Offer::CompressedSlip];
    let now = Duration::from_secs(1);
    let mut output = login.receive(bytes, now);
    let mut said = output.text;
    while let Some(credentials) = output.check {
        output = match authenticate(&users, credentials) {
            Authentication::Done(user) => {
                login.checked(user.map(|user| Admitted { user, offers: offers.clone() }), now)
            }
            Authentication::Pending(..) => unreachable!("no hash"),
        };
        said += &output.text;
    }
    assert!(said.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\r' | b'\n' | 0x08)));
    assert!(said.len() <= 3 * bytes.len() + 1500);
    if let Some(LoginResult::Admitted(_, offer)) = output.result {
        assert!(offers.contains(&offer));
        assert!(PASSWORD.bytes().all(|byte| bytes.contains(&byte)));
    }
});

const PASSWORD: &str = "Xy7Qz9";

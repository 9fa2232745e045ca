//! Whatever a caller sends to the login prompt: no panic, nobody let in who does not know the password, and no answer
//! that is not text or has no end.
#![no_main]

use std::time::Duration;

use dialbox::line::login::{Login, LoginConfig, LoginResult};
use dialbox::site::{Account, Hostname, Secret, UserName, Users};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (Ok(name), Ok(password), Ok(hostname)) =
        ("guest".parse::<UserName>(), PASSWORD.parse::<Secret>(), "box".parse::<Hostname>())
    else {
        unreachable!("all three are right");
    };
    let users = Users::Plain(vec![Account { name, password }]);
    let mut login = Login::new(LoginConfig { hostname: &hostname, users: &users }, Duration::ZERO);
    let output = login.receive(bytes, Duration::from_secs(1));
    assert!(output.text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\r' | b'\n' | 0x08)));
    assert!(output.text.len() <= 3 * bytes.len() + 1000);
    if let Some(LoginResult::Ppp(Some(_))) = output.result {
        assert!(PASSWORD.bytes().all(|byte| bytes.contains(&byte)));
    }
});

const PASSWORD: &str = "Xy7Qz9";

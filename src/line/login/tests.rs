use super::*;
use crate::line::password_check::{Authentication, authenticate};
use crate::site::{Account, Users};
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

/// Some users; the second one's password contains the flag of PPP.
fn users() -> Users {
    let account = |name: &str, password: &str| Account {
        name: name.parse().unwrap(),
        password: password.parse().unwrap(),
    };
    let accounts = [("guest", "Xy7 Qz9"), ("root", "~toor~"), ("many", "m"), ("one", "o"), ("slip", "s")];
    Users::Plain(accounts.map(|(name, password)| account(name, password)).into())
}

fn prompts(prompts: &Prompts) -> PromptWords {
    PromptWords::new(prompts, &"box".parse().unwrap())
}

fn login() -> Login {
    Login::new(prompts(&Prompts::default()), Duration::ZERO)
}

/// What the owner of the dialogue does with it.
fn check(users: &Users, credentials: Credentials) -> Option<Admitted> {
    let user = match authenticate(users, credentials) {
        Authentication::Done(user) => user,
        Authentication::Pending(check, user) => user.filter(|_| check.run()),
    };
    let offers = |user: &UserName| match user.as_str() {
        "many" => vec![bbs(), Offer::Ppp, Offer::Slip],
        "one" => vec![bbs()],
        "slip" => vec![Offer::CompressedSlip],
        _ => vec![Offer::Ppp],
    };
    user.map(|user| Admitted { offers: offers(&user), user })
}

fn bbs() -> Offer {
    "bbs".parse().unwrap()
}

/// What a caller receives who sends these words at intervals of a second, and the result.
fn dialogue(words: &[&[u8]]) -> (String, Option<LoginResult>) {
    dialogue_with(&users(), words)
}

fn dialogue_with(users: &Users, words: &[&[u8]]) -> (String, Option<LoginResult>) {
    let mut login = login();
    let mut said = String::new();
    for (second, words) in (1..).zip(words) {
        let mut output = login.receive(words, SECOND * second);
        said += &output.text;
        while let Some(credentials) = output.check {
            output = login.checked(check(users, credentials), SECOND * second);
            said += &output.text;
        }
        if output.result.is_some() {
            return (said, output.result);
        }
    }
    (said, None)
}

fn is_nothing(output: &LoginOutput) -> bool {
    output.text.is_empty() && output.result.is_none() && output.check.is_none()
}

fn ppp(user: &str) -> Option<LoginResult> {
    gets(user, Offer::Ppp)
}

fn gets(user: &str, offer: Offer) -> Option<LoginResult> {
    Some(LoginResult::Admitted(user.parse().unwrap(), offer))
}

const UNKNOWN: Option<LoginResult> = Some(LoginResult::Ppp);

fn refused(why: LoginRefusal) -> Option<LoginResult> {
    Some(LoginResult::Refused(why))
}

#[test]
fn the_dialogue_is_the_usual_one() {
    let (said, result) = dialogue(&[b"\r", b"gust\x08\x08est\r", b"Xy8\x7f7 Qz9\r"]);
    assert_eq!(result, ppp("guest"));
    let expected = "\r\nbox login: gust\x08 \x08\x08 \x08est\r\nPassword: \r\nStarting PPP\r\n";
    assert_eq!(said, expected);
}

#[test]
fn a_user_gets_what_the_site_offers_and_chooses_where_there_is_a_choice() {
    let log_in = |name: &'static [u8], then: &[&'static [u8]]| {
        let password = &name[..1];
        dialogue(&[&[name, b"\r", password, b"\r"], then].concat())
    };
    assert_eq!(log_in(b"one", &[]).1, gets("one", bbs()));
    assert_eq!(log_in(b"slip", &[]).1, gets("slip", Offer::CompressedSlip));
    let (said, _) = log_in(b"slip", &[]);
    assert!(said.ends_with("\r\nPassword: "), "the process says the last words: {said}");
    let (said, result) = log_in(b"many", &[b"4\r", b"0\r\r", b"mud\r", b"xbbs\x08\x08\x08\x08bbs\r"]);
    assert_eq!(result, gets("many", bbs()));
    assert!(said.contains("\r\n 1 bbs\r\n 2 ppp\r\n 3 slip\r\n\r\nWhich one? "), "{said}");
    assert!(said.ends_with("\r\nConnecting to bbs\r\n"), "{said}");
    for (typed, expected) in [
        (b"1\r" as &[u8], Some(gets("many", bbs()))),
        (b"3\r", Some(gets("many", Offer::Slip))),
        (b"PPP\r", Some(ppp("many"))),
        (b"~\xff\x7d\x23", Some(ppp("many"))), // pppd need not ask again
        (b"cslip\r", None),
        (b"\xff\xfe\r", None),
    ] {
        assert_eq!(log_in(b"many", &[typed]).1, expected.flatten(), "{typed:?}");
    }
    assert_eq!(log_in(b"many", &[&[b'\r'; 30]]).1, refused(LoginRefusal::NoLogin), "not for ever");
    assert_eq!(dialogue(&[b"one\r", b"~\xff\x7d\x23"]).1, UNKNOWN, "PPP before the password");
}

#[test]
fn the_echo_of_a_name_is_never_an_escape_sequence() {
    for name in ["+++", "+++ATH", "a+++ATZ", "++\x08++ATH0", "+ + +"] {
        let (said, _) = dialogue(&[b"\r", name.as_bytes(), b"\r", name.as_bytes(), b"\r"]);
        assert!(!said.contains('+'), "{name:?}: {said:?}");
    }
    let account = Account { name: "a+b".parse().unwrap(), password: "c+++d".parse().unwrap() };
    let (said, verdict) = dialogue_with(&Users::Plain(vec![account]), &[b"a+b\r", b"c+++d\r"]);
    assert_eq!(verdict, ppp("a+b"), "{said}");
    assert!(said.contains("login: a*b\r\n"), "{said}");
}

/// RFC 854: options that a telnet client or a WiFi modem offers by itself. 0x20 to 0x27 are printable.
#[test]
fn options_of_telnet_are_not_typed() {
    let options = b"\xff\xfd\x03\xff\xfb\x18\xff\xfb\x1f\xff\xfb\x20\xff\xfb\x21\xff\xfb\x22\xff\xfb\x27\xff\xfd\x05\xff\xfb\x23";
    let words: &[&[u8]] = &[options, b"\r", b"guest\r\0", b"\xff\xfe\x22Xy7 Qz9\r\0"];
    let (said, result) = dialogue(words);
    assert_eq!(said, "\r\nbox login: guest\r\nPassword: \r\nStarting PPP\r\n");
    assert!(matches!(result, Some(LoginResult::Admitted(user, Offer::Ppp)) if user.as_str() == "guest"));
    assert!(
        matches!(dialogue(&[b"\xff\xfb\x20~\xff\x7d#\xc0!"]).1, Some(LoginResult::Ppp)),
        "PPP all the same"
    );
}

#[test]
fn the_end_of_the_modems_line_is_no_key() {
    assert_eq!(dialogue(&[b"\n"]).0, "", "a frame of PPP may follow");
    assert_eq!(dialogue(&[b"\n", b"\n"]).0, "\r\nbox login: ");
    assert_eq!(dialogue(&[b"\r"]).0, "\r\nbox login: ");
    assert!(
        matches!(dialogue(&[b"\n~\xff", b"\x7d#\xc0!"]), (said, Some(LoginResult::Ppp)) if said.is_empty())
    );
}

proptest! {
    #[test]
    fn nothing_that_is_sent_to_a_caller_has_a_plus(words in prop::collection::vec(any::<Vec<u8>>(), 0..9)) {
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        let (said, _) = dialogue(&words);
        prop_assert!(!said.contains('+'), "{said:?}");
    }
}

/// The caller's kind, what it sends, and the result.
type Case = (&'static str, Vec<&'static [u8]>, Option<LoginResult>);

#[test]
fn only_the_right_name_and_password_log_in() {
    let right: &[&'static [u8]] = &[b"guest\r", b"Xy7 Qz9\r"];
    let thrice = |line: &'static [u8]| [line, b"guess\r"].repeat(3);
    let table: [Case; 15] = [
        ("a terminal", [&[b"\r" as &[u8]], right].concat(), ppp("guest")),
        ("who does not wait for the prompt", right.to_vec(), ppp("guest")),
        ("all at once", vec![b"guest\rXy7 Qz9\r"], ppp("guest")),
        ("ends of line as teletypes have them", vec![b"\r\nguest\r\n", b"Xy7 Qz9\r\n"], ppp("guest")),
        ("ends of line as Unix has them", vec![b"\n", b"guest\n", b"Xy7 Qz9\n"], ppp("guest")),
        ("a password with the flag of PPP", vec![b"root\r~toor~\r"], ppp("root")),
        ("noise of the line", vec![b"\xf0\x98\x00", b"\rgu\xe5est\rXy7\x1b Qz9\r"], ppp("guest")),
        ("at the second try", [&[b"guest\rno\r" as &[u8]], right].concat(), ppp("guest")),
        ("a wrong password", thrice(b"guest\r"), refused(LoginRefusal::Wrong)),
        ("an unknown user", thrice(b"nobody\r"), refused(LoginRefusal::Wrong)),
        (
            "another one's password",
            [b"root\r" as &[u8], b"Xy7 Qz9\r"].repeat(3),
            refused(LoginRefusal::Wrong),
        ),
        ("no password", [b"guest\r" as &[u8], b"\r"].repeat(3), refused(LoginRefusal::Wrong)),
        ("nothing but ends of line", vec![b"\r"; 30], refused(LoginRefusal::NoLogin)),
        (
            "gone while the name is awaited",
            vec![b"\rgu", b"\r\nNO CARRIER\r\n"],
            refused(LoginRefusal::HungUp),
        ),
        ("gone before anything", vec![b"\r\nNO CARRIER\r\n"], refused(LoginRefusal::HungUp)),
    ];
    for (who, words, result) in table {
        assert_eq!(dialogue(&words).1, result, "{who}");
    }
}

/// RFC 1662 §3.1 and §4.2, and what remains of a frame on a line that has just come up.
#[test]
fn a_ppp_frame_hands_over_to_pppd_at_any_time() {
    let frames: [&[u8]; 5] = [
        b"~\xff}#\xc0!}!}!} }4}\"}&", // pppd 2.4.9, Windows 95
        b"~\xff\x03\xc0!\x01\x01\x00\x14",
        b"\xff}#\xc0!}!}!", // without the flag
        b"\xff\x03\xc0!",
        b"~\xc0!\x01\x01", // without address and control
    ];
    let before: [&[u8]; 5] = [b"", b"~~", b"\r", b"gue", b"guest\rXy"];
    for frame in frames {
        for before in before {
            assert_eq!(dialogue(&[before, frame]).1, UNKNOWN, "{before:?} {frame:?}");
            let bytes: Vec<_> = [before, frame].concat();
            let bytes: Vec<_> = bytes.chunks(1).collect();
            assert_eq!(dialogue(&bytes).1, UNKNOWN, "{before:?} {frame:?}, byte by byte");
        }
    }
    assert_eq!(dialogue(&frames[..1]).0, "", "a PPP client gets no text");
}

#[test]
fn a_silent_caller_gets_the_prompt_after_4_seconds_and_is_given_up_after_60() {
    let mut login = Login::new(prompts(&Prompts::default()), 100 * SECOND);
    assert_eq!(login.deadline(), 104 * SECOND);
    assert!(is_nothing(&login.tick(103 * SECOND)));
    assert_eq!(login.tick(104 * SECOND).text, "\r\nbox login: ");
    assert!(is_nothing(&login.tick(104 * SECOND)));
    assert_eq!(login.receive(b"guest\r", 159 * SECOND).result, None);
    assert_eq!(login.deadline(), 160 * SECOND);
    assert_eq!(login.receive(b"Xy7 Qz9\r", 160 * SECOND).result, refused(LoginRefusal::NoLogin));
}

#[test]
fn a_password_is_not_echoed_nor_are_its_corrections() {
    let (said, _) = dialogue(&[b"guest\r", b"Xy7 Qz8\x08\x08\x08"]);
    assert!(!said.contains('Q') && !said.contains('\x08'), "{said:?}");
}

#[test]
fn a_password_is_not_checked_here_and_what_is_typed_meanwhile_waits() {
    let mut login = login();
    let output = login.receive(b"\rguest\rone\rguest\rtwo\rguest\rthree\rguest\r", SECOND);
    assert!(output.text.ends_with("login: guest\r\nPassword: "), "{:?}", output.text);
    assert!(output.check.is_some() && output.result.is_none());
    assert!(is_nothing(&login.receive(b"Xy7", 2 * SECOND)), "a password is checked");
    assert_eq!(login.deadline(), 60 * SECOND, "nothing is to be done here until then");

    for second in [3, 4] {
        let output = login.checked(None, second * SECOND);
        assert!(output.text.starts_with("\r\nLogin incorrect\r\n\r\nbox login: guest"), "{:?}", output.text);
        assert!(output.check.is_some());
    }
    assert_eq!(login.checked(None, 5 * SECOND).result, refused(LoginRefusal::Wrong));
}

#[test]
fn a_caller_who_is_checked_for_too_long_is_given_up() {
    let mut login = login();
    assert!(login.receive(b"\rguest\rXy7 Qz9\r", SECOND).check.is_some());
    let user = Admitted { user: "guest".parse().unwrap(), offers: vec![Offer::Ppp] };
    assert_eq!(login.checked(Some(user), 60 * SECOND).result, refused(LoginRefusal::NoLogin));
}

#[test]
fn debug_shows_no_input() {
    let mut login = login();
    for typed in ["\rfirst", "\rsecond"] {
        login.receive(typed.as_bytes(), SECOND);
        let shown = format!("{login:?}");
        assert!(["first", "second"].iter().all(|it| !shown.contains(it)), "{shown}");
    }
}

#[test]
fn too_long_input_is_truncated_and_matches_no_user() {
    let mut login = login();
    let output = login.receive(format!("{}\rp\r", "x".repeat(999)).as_bytes(), SECOND);
    let typed = output.check.unwrap();
    assert_eq!((typed.name.bytes().len(), typed.password.bytes()), (256, &b"p"[..]));
}

proptest! {
    #[test]
    fn arbitrary_input_never_logs_in_and_the_answer_is_text_of_bounded_length(
        bytes in prop::collection::vec(
            prop_oneof![any::<u8>(), prop::sample::select(&b"\r\n~\x08gustroNO CARRIE"[..])], 0..300
        ),
        cut in 0_usize..300,
    ) {
        let mut login = login();
        let (first, second) = bytes.split_at(cut.min(bytes.len()));
        let mut said = String::new();
        for part in [first, second] {
            let output = login.receive(part, SECOND);
            said += &output.text;
            prop_assert!(!matches!(output.result, Some(LoginResult::Admitted(..))));
            if output.result.is_some() {
                break;
            }
        }
        prop_assert!(said.bytes().all(|it| matches!(it, b' '..=b'~' | b'\r' | b'\n' | 0x08)));
        prop_assert!(said.len() <= 3 * bytes.len() + 50 * usize::from(LINES));
    }
}

#[test]
fn the_prompts_are_the_sites() {
    let words =
        Prompts { name: Some("username: ".parse().unwrap()), password: Some("enter pass:".parse().unwrap()) };
    let mut login = Login::new(prompts(&words), Duration::ZERO);
    assert_eq!(login.receive(b"\r", SECOND).text, "\r\nusername: ");
    assert_eq!(login.receive(b"guest\r", SECOND).text, "guest\r\nenter pass:");
    let wrong = login.receive(b"x\r", SECOND);
    let wrong = login.checked(check(&users(), wrong.check.unwrap()), SECOND);
    assert_eq!(wrong.text, "\r\nLogin incorrect\r\n\r\nusername: ");
}

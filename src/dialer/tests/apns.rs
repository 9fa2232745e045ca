use super::*;

#[test]
fn every_apn_is_tried_before_the_requester_gets_a_failure_and_the_one_that_works_stays() {
    let text = "role='dialer'\nhostname='x'\n[operator]\nname='x'\napn='one'\nother-apns=['two','three']\n";
    let Role::Dialer(role) = Site::parse(text).unwrap().role else { unreachable!() };
    let mut harness = Harness::new(Ports::Two);
    harness.dialer.apns = Apns::new(&role.operator);
    let at = timestamp(100 * SECOND);
    let (session, _) = Session::new(&role.link, &Record::new(), MonthTotal::default(), Vec::new(), at);
    harness.dialer.session = session;
    harness.dialer.session.set_attempts(harness.dialer.apns.count());
    harness.sms(OWNER, "connect");
    let mut used = Vec::new();
    for _ in 0..2 {
        used.push(harness.dialer.apn());
        harness.link(ppp::Event::Started(pid())).link(ppp::Event::Exited(pid(), Exit::from_code(10)));
        assert!(harness.done().contains("dialling again"), "an APN is left");
        harness.pass(60 * SECOND);
    }
    used.push(harness.dialer.apn());
    assert_eq!(used, [0, 1, 2]);
    harness.dialled().link(ppp::Event::Exited(pid(), Exit::from_code(16)));
    assert_eq!(harness.dialer.apn(), 2, "it has worked");
    harness.pass(600 * SECOND).link(ppp::Event::Started(pid()));
    harness.link(ppp::Event::Exited(pid(), Exit::from_code(10)));
    assert_eq!(harness.dialer.apn(), 0, "after the last one the first again");
}

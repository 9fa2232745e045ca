use super::*;
use crate::published::FarSide;

const SERVER: Ipv4Addr = Ipv4Addr::new(212, 27, 40, 240);

/// A dialer with a VPN, whose link has just come up.
fn connected(name_servers: &[Ipv4Addr]) -> Harness {
    let mut harness = Harness::new(Ports::Two);
    harness.dialer.liveness = Some(Liveness::new(25 * SECOND, 1));
    harness.sms(OWNER, "connect");
    harness.link(ppp::Event::Started(pid()));
    comes_up(&mut harness, name_servers);
    harness.sent(1).pass(Duration::ZERO).done();
    harness
}

fn comes_up(harness: &mut Harness, name_servers: &[Ipv4Addr]) {
    comes_up_as(harness, pid(), name_servers);
}

fn comes_up_as(harness: &mut Harness, pid: Pid, name_servers: &[Ipv4Addr]) {
    let link = Connection { interface: Interface::new("ppp0").unwrap(), pid, addresses: None };
    let request = control::Request::IpUp { link, name_servers: name_servers.to_vec() };
    harness.receive(Event::Asked(control::ClientId(1), request));
}

/// Time passes in steps of five seconds; the counter is read as requested.
fn pass(harness: &mut Harness, seconds: u32, counter: Option<u64>, name_server: bool) -> String {
    let mut done = String::new();
    for _ in 0..seconds / 5 {
        let mut said = harness.pass(5 * SECOND).done();
        if said.contains("ask Counter") {
            said += &harness.receive(Event::TunnelCounter(counter)).done();
        }
        if said.contains("ask NameServers") {
            said += &harness.receive(Event::NameServer(name_server)).done();
        }
        let is_news = |line: &&str| !line.contains("Counter");
        done.extend(said.lines().filter(is_news).map(|line| format!("{line}\n")));
    }
    done
}

#[test]
fn a_silent_far_side_gets_a_new_tunnel_then_a_new_link_and_is_shown() {
    let mut harness = connected(&[]);
    insta::assert_snapshot!(pass(&mut harness, 70, Some(0), false), @"
    Warning: the far side of the VPN is silent: the tunnel is made again
    tunnel over ppp0 again
    ");
    assert_eq!(harness.dialer.far_side_status(), Some(FarSide::Silent { tried: 1 }));
    insta::assert_snapshot!(pass(&mut harness, 60, Some(0), false), @"
    Warning: the far side of the VPN is silent: dialling again
    Signal(Pid(412), Terminate)
    ");
    harness.link(ppp::Event::Exited(pid(), Exit::from_code(5)));
    insta::assert_snapshot!(pass(&mut harness, 10, None, false), @r#"
    RunIpDown(Interface("ppp0"), Pid(412))
    Warning: the far side of the VPN is silent; dialling again in 5s
    StartPppd
    "#);
    harness.link(ppp::Event::Started(pid()));
    comes_up(&mut harness, &[]);
    harness.done();
    assert_eq!(pass(&mut harness, 30, Some(92), false), "");
    assert_eq!(harness.dialer.far_side_status(), Some(FarSide::Answers));
    assert_eq!(pass(&mut harness, 200, Some(92), false), "");
    assert_eq!(harness.dialer.far_side_status(), Some(FarSide::Answers));
    assert!(pass(&mut harness, 60, Some(92), false).contains("the tunnel is made again"));
}

#[test]
fn who_asks_again_does_not_wait_for_the_long_pauses_of_a_silence() {
    let mut harness = connected(&[SERVER]);
    for _ in 0..4 {
        pass(&mut harness, 70, Some(0), true);
        if !matches!(harness.dialer.session.phase(), Phase::Up(..)) {
            harness.link(ppp::Event::Exited(pid(), Exit::from_code(5)));
            harness.pass(5 * SECOND).link(ppp::Event::Started(pid()));
            comes_up(&mut harness, &[SERVER]);
        }
    }
    assert_eq!(pass(&mut harness, 200, Some(0), true), "", "an attempt every ten minutes");
    harness.sms(OWNER, "connect");
    harness.done();
    assert!(pass(&mut harness, 80, Some(0), true).contains("the tunnel is made again"));
}

/// A tunnel over which the far side has answered once, and one made after it, have received as much: one handshake.
#[test]
fn a_new_tunnel_has_an_answer_even_if_its_counter_is_that_of_the_one_before() {
    for is_new_link in [false, true] {
        let mut harness = connected(&[]);
        assert_eq!(pass(&mut harness, 100, Some(92), false), "");
        if is_new_link {
            harness.link(ppp::Event::Exited(pid(), Exit::from_code(15)));
            let other = Pid::from_raw(413).unwrap();
            harness.pass(5 * SECOND).link(ppp::Event::Started(other));
            comes_up_as(&mut harness, other, &[]);
            harness.done();
        } else {
            assert!(pass(&mut harness, 170, Some(92), false).contains("the tunnel is made again"));
        }
        assert_eq!(pass(&mut harness, 100, Some(92), false), "", "new link: {is_new_link}");
        assert_eq!(harness.dialer.far_side_status(), Some(FarSide::Answers));
    }
}

#[test]
fn a_modem_restarts_only_if_the_operator_s_name_servers_are_silent_too() {
    for (name_server, restarts) in [(false, true), (true, false)] {
        let mut harness = connected(&[SERVER]);
        let mut done = String::new();
        for _ in 0..6 {
            done += &pass(&mut harness, 70, Some(0), name_server);
            if !matches!(harness.dialer.session.phase(), Phase::Up(..)) {
                harness.link(ppp::Event::Exited(pid(), Exit::from_code(5)));
                harness.pass(5 * SECOND).link(ppp::Event::Started(pid()));
                comes_up(&mut harness, &[SERVER]);
            }
        }
        assert_eq!(done.contains("restart the modem"), restarts, "{done}");
        assert!(!done.contains("reboot"), "{done}");
    }
}

#[test]
fn a_link_opened_by_hand_and_a_site_without_a_vpn_are_not_watched() {
    let mut harness = Harness::new(Ports::Two);
    harness.sms(OWNER, "connect").dialled().done();
    assert_eq!(pass(&mut harness, 300, None, false), "");
    let mut harness = Harness::new(Ports::Two);
    harness.dialer.liveness = Some(Liveness::new(25 * SECOND, 1));
    harness.opened_by_hand("ppp0", pid()).done();
    assert_eq!(pass(&mut harness, 300, None, false), "");
}

fn with_endpoints(first: &str, others: &str) -> Harness {
    let text = format!(
        "role='dialer'\nhostname='x'\n[operator]\nname='x'\napn='x'\n[vpn]\naddress='10.9.0.2/24'\n\
         private-key='yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk='\n\
         public-key='b/+8yjlfqle5awL8Vne6lpRdvSDyQz5sbyoEugWxDcc='\nendpoint='{first}'\n\
         other-endpoints={others}\nnetworks=['10.9.0.0/24']\n"
    );
    let Role::Dialer(role) = Site::parse(&text).unwrap().role else { unreachable!() };
    let endpoints = role.vpn.as_ref().map(Endpoints::new);
    let count = endpoints.as_ref().map_or(0, Endpoints::count);
    let mut harness = connected(&[SERVER]);
    harness.dialer.liveness = Some(Liveness::new(25 * SECOND, count));
    harness.dialer.endpoints = endpoints;
    comes_up(&mut harness, &[SERVER]);
    harness
}

const FIRST: &str = "203.0.113.5:51820";
const NAMED: Option<Ipv4Addr> = Some(Ipv4Addr::new(198, 51, 100, 7));

#[test]
fn an_endpoint_by_name_is_resolved_over_each_link_until_it_has_an_address() {
    let mut harness = with_endpoints("vpn.example.org:51820", "[]");
    let asks = "ask Address(\"vpn.example.org\", [212.27.40.240])\n";
    assert!(harness.pass(Duration::ZERO).done().contains(asks));
    assert!(harness.receive(Event::Resolved(None)).done().contains("has no address"));
    assert_eq!(pass(&mut harness, 15, None, false), "");
    assert_eq!(pass(&mut harness, 5, None, false), asks, "20 s later");
    insta::assert_snapshot!(harness.receive(Event::Resolved(NAMED)).done(), @"
    Info: the far side of the VPN may be at 198.51.100.7:51820
    endpoint 198.51.100.7:51820
    tunnel over ppp0 again
    ");
    assert_eq!(pass(&mut harness, 30, Some(92), false), "", "the far side answers");
    // While it is silent, each new tunnel is to the address that the name has by then.
    assert!(pass(&mut harness, 250, Some(92), false).contains(asks));
    assert!(harness.receive(Event::Resolved(NAMED)).done().contains("tunnel over ppp0 again"));
}

#[test]
fn an_endpoint_by_name_is_resolved_for_a_link_opened_by_hand_and_without_renewal() {
    let mut harness = with_endpoints("vpn.example.org:51820", "[]");
    harness.dialer.liveness = None;
    assert!(harness.pass(Duration::ZERO).done().contains("ask Address"));
    let tunnel = "tunnel over ppp0 again";
    assert!(harness.receive(Event::Resolved(NAMED)).done().contains(tunnel));
    let vpn = harness.dialer.endpoints.take();
    let mut harness = Harness::new(Ports::Two);
    harness.dialer.endpoints = vpn;
    harness.opened_by_hand("ppp1", Pid::from_raw(500).unwrap());
    assert!(harness.pass(Duration::ZERO).done().contains("ask Address"));
    assert_eq!(harness.receive(Event::Resolved(NAMED)).done(), "", "the tunnel of the link leads there");
    let moved = Some(Ipv4Addr::new(198, 51, 100, 8));
    assert!(harness.receive(Event::Resolved(moved)).done().contains("tunnel over ppp1 again"));
}

#[test]
fn each_new_tunnel_leads_to_the_next_endpoint_and_a_name_is_resolved_first() {
    let mut harness = with_endpoints(FIRST, "['203.0.113.6:443', 'vpn.example.org:51821']");
    harness.pass(Duration::ZERO).done();
    insta::assert_snapshot!(pass(&mut harness, 70, Some(0), false), @"
    Warning: the far side of the VPN is silent: the tunnel is made again
    endpoint 203.0.113.6:443
    tunnel over ppp0 again
    ");
    insta::assert_snapshot!(pass(&mut harness, 60, Some(0), false), @r#"
    Warning: the far side of the VPN is silent: the tunnel is made again
    ask Address("vpn.example.org", [212.27.40.240])
    "#);
    let address = Some(Ipv4Addr::new(198, 51, 100, 7));
    insta::assert_snapshot!(harness.receive(Event::Resolved(address)).done(), @"
    Info: the far side of the VPN may be at 198.51.100.7:51821
    endpoint 198.51.100.7:51821
    tunnel over ppp0 again
    ");
    assert!(pass(&mut harness, 60, Some(0), false).contains("dialling again"));
}

#[test]
fn a_name_without_an_address_is_logged_and_the_next_endpoint_is_tried() {
    let mut harness = with_endpoints(FIRST, "['vpn.example.org:51821']");
    harness.pass(Duration::ZERO).done();
    assert!(pass(&mut harness, 70, Some(0), false).contains("ask Address"));
    assert_eq!(
        harness.receive(Event::Resolved(None)).done(),
        "Warning: the name of the far side of the VPN has no address\n"
    );
    assert!(matches!(
        harness.dialer.endpoints.as_mut().unwrap().advance(),
        Some(site::AnyEndpoint::Address(_))
    ));
}

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const KEEPALIVE: Duration = Duration::from_secs(25);
const SERVER: Ipv4Addr = Ipv4Addr::new(212, 27, 40, 240);

fn pid(number: i32) -> Pid {
    Pid::from_raw(number).unwrap()
}

/// The far side and the name servers of one link after the other.
struct World {
    /// Seconds of the link in which the far side answers.
    answers: fn(u32) -> bool,
    /// Whether the name servers answer; `None`: there are none.
    name_servers: Option<bool>,
    /// The networks behind the far side.
    behind: &'static [&'static str],
}

impl World {
    /// The remedies in so many seconds, each with its second. A link that is dialled again comes up after 15 s.
    fn pass(&self, seconds: u32) -> Vec<(u32, Remedy)> {
        let behind = self.behind.iter().map(|network| network.parse().unwrap()).collect();
        let mut liveness = Liveness::new(KEEPALIVE, 1).with_networks(behind);
        liveness.forget();
        liveness.know_name_servers(self.name_servers.iter().map(|_| SERVER).collect());
        let (mut remedies, mut received, mut link, mut up_at) = (Vec::new(), 0, 1, 0);
        for second in 0..seconds {
            if second < up_at {
                continue;
            }
            let now = SECOND * second;
            received += if (self.answers)(second) { 92 } else { 0 };
            let Some(Question::Counter) = liveness.poll(pid(link), now) else { continue };
            let mut next = liveness.count(Some(received), now);
            if let Some(Next::Ask(Question::NameServers(_))) = next {
                next = liveness.hear_name_server(self.name_servers == Some(true), now);
            }
            let Some(Next::Remedy(remedy)) = next else { continue };
            remedies.push((second, remedy));
            if remedy != Remedy::Tunnel {
                (link, up_at) = (link + 1, second + 15);
            }
            received = 0;
        }
        remedies
    }
}

#[test]
fn the_remedies_of_a_silence_depend_on_the_second_target() {
    use Remedy::{Link, Modem, Tunnel};
    use SecondTarget::{Answers, Silent, Unknown};
    for (second, remedies) in [
        (Answers, [Tunnel, Link, Tunnel, Tunnel, Tunnel]),
        (Unknown, [Tunnel, Link, Link, Tunnel, Tunnel]),
        (Silent, [Tunnel, Link, Link, Modem, Tunnel]),
    ] {
        assert_eq!([0, 1, 2, 3, 4].map(|tried| remedy(tried, second)), remedies, "{second:?}");
    }
}

#[test]
fn a_far_side_that_answers_is_left_alone() {
    // A handshake every two minutes, and the longest pause that WireGuard allows with keepalives.
    for answers in [|second| second % 120 == 3, |second| second % 205 == 3] as [fn(u32) -> bool; 2] {
        for name_servers in [None, Some(true), Some(false)] {
            assert_eq!(World { answers, name_servers, behind: &[] }.pass(7200), []);
        }
    }
}

#[test]
fn a_far_side_that_never_answers_costs_one_new_link_while_the_operator_s_name_servers_answer() {
    let remedies = World { answers: |_| false, name_servers: Some(true), behind: &[] }.pass(7200);
    let seconds: Vec<u32> = remedies.iter().map(|(second, _)| *second).collect();
    assert_eq!(seconds[..4], [60, 120, 195, 255]);
    let links = remedies.iter().filter(|(_, remedy)| *remedy == Remedy::Link).count();
    assert_eq!(links, 1);
    assert!(remedies.iter().all(|(_, remedy)| *remedy != Remedy::Modem));
    assert!((8..=16).contains(&remedies.len()), "then a new tunnel every ten minutes: {remedies:?}");
}

#[test]
fn without_a_second_target_it_costs_two_new_links_and_no_restart_of_the_modem() {
    // Behind a dead tunnel all name servers are silent.
    for (name_servers, behind) in [(None, &[] as &[&str]), (Some(false), &["10.0.0.0/8", "212.27.0.0/16"])] {
        let remedies = World { answers: |_| false, name_servers, behind }.pass(7200);
        let count = |wanted| remedies.iter().filter(|(_, remedy)| *remedy == wanted).count();
        assert_eq!((count(Remedy::Link), count(Remedy::Modem)), (2, 0), "{remedies:?}");
    }
}

#[test]
fn only_if_the_operator_is_silent_too_the_modem_restarts_and_only_once() {
    let remedies =
        World { answers: |_| false, name_servers: Some(false), behind: &["10.0.0.0/8"] }.pass(7200);
    let count = |wanted| remedies.iter().filter(|(_, remedy)| *remedy == wanted).count();
    assert_eq!((count(Remedy::Link), count(Remedy::Modem)), (2, 1), "{remedies:?}");
    assert_eq!(remedies[3].1, Remedy::Modem);
}

#[test]
fn a_silence_after_answers_is_noticed_after_the_time_of_a_session_and_ends_with_the_next_answer() {
    // It answers for an hour, is silent for ten minutes, and answers again.
    let answers = |second: u32| second.is_multiple_of(50) && !(3600..4200).contains(&second);
    let remedies = World { answers, name_servers: Some(true), behind: &[] }.pass(3 * 3600);
    let seconds: Vec<u32> = remedies.iter().map(|(second, _)| *second).collect();
    // The last answer came at 3550 s, and was read up to 20 s later.
    assert!((3775..=3815).contains(&seconds[0]), "{remedies:?}");
    assert!(seconds.iter().all(|second| *second < 4200 + 60), "{remedies:?}");
}

#[test]
fn an_answer_of_a_name_server_that_was_not_asked_does_nothing() {
    let mut liveness = Liveness::new(KEEPALIVE, 1);
    assert_eq!(liveness.poll(pid(1), SECOND), None);
    assert_eq!(liveness.hear_name_server(false, SECOND), None);
}

#[test]
fn every_endpoint_is_tried_by_a_new_tunnel_before_the_link_is_renewed() {
    for (endpoints, tunnels) in [(1, 1), (2, 1), (3, 2), (5, 4)] {
        let mut liveness = Liveness::new(KEEPALIVE, endpoints);
        let remedies = (0..6).map(|_| match liveness.take(SecondTarget::Unknown, SECOND) {
            Next::Remedy(remedy) => remedy,
            Next::Ask(question) => panic!("{question:?}"),
        });
        let before = remedies.take_while(|remedy| *remedy == Remedy::Tunnel).count();
        assert_eq!(before, tunnels, "{endpoints} endpoints");
    }
}

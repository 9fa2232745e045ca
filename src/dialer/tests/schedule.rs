use super::*;

#[test]
fn the_schedule_opens_the_link_once_the_clock_is_set_and_not_while_the_box_stops() {
    let site = Site::parse(&format!("{SITE}[schedule]\nat='03:59'\nspread='1s'\nopen-for='15m'\n")).unwrap();
    let Role::Dialer(dialer) = &site.role else { unreachable!() };
    let schedule = dialer.schedule.clone().unwrap();
    let scheduler = Scheduler::new(schedule, site.timezone.clone(), &site.hostname);

    let mut harness = Harness::new(Ports::Two);
    harness.dialer.scheduler = Some(scheduler.clone());
    assert_eq!(harness.pass(SECOND).done(), "");
    harness.wall = WallClock::Known(THAT_MORNING);
    insta::assert_snapshot!(harness.pass(SECOND).dialled().done(), @"
    Info: the schedule opens the link for 14m
    StartPppd
    Info: connected as 10.3.2.1, for 14m
    ");
    assert_eq!(harness.pass(SECOND).done(), "", "it is up");

    let mut stopping = Harness::new(Ports::Two);
    stopping.dialer.scheduler = Some(scheduler);
    stopping.receive(Event::Asked(control::ClientId(1), control::Request::Stop)).done();
    stopping.wall = WallClock::Known(THAT_MORNING);
    assert_eq!(stopping.pass(SECOND).done(), "");
}

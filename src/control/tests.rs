use super::*;
use crate::names::run_file::CONTROL_SOCKET;
use crate::paths::Paths;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use std::mem::MaybeUninit;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::thread;

fn ppp0(addresses: Option<Addresses>) -> Connection {
    let interface = Interface::new("ppp0").unwrap();
    Connection { interface, pid: Pid::from_raw(412).unwrap(), addresses }
}

#[test]
fn every_request_is_the_same_after_writing_and_reading() {
    let address = Ipv4Addr::new;
    let addresses = Addresses { local: address(10, 3, 2, 1), remote: address(10, 64, 64, 64) };
    for (request, wire) in [
        (Request::Connect(None), "request=connect\n"),
        (Request::Connect(Some(Duration::from_secs(1800))), "request=connect\nseconds=1800\n"),
        (Request::Disconnect, "request=disconnect\n"),
        (Request::Stop, "request=stop\n"),
        (Request::Extend(Some(Duration::from_secs(60))), "request=extend\nseconds=60\n"),
        (Request::Confirm, "request=confirm\n"),
        (
            Request::Switch(Switch { name: "router".parse().unwrap(), level: Level::Off, time: None }),
            "request=switch\nline=router\nlevel=off\n",
        ),
        (
            Request::Switch(Switch {
                name: "router".parse().unwrap(),
                level: Level::On,
                time: Some(Duration::from_secs(10)),
            }),
            "request=switch\nline=router\nlevel=on\nseconds=10\n",
        ),
        (Request::Get(None), "request=get\n"),
        (Request::Get(Some("door".parse().unwrap())), "request=get\nline=door\n"),
        (Request::Budget, "request=budget\n"),
        (Request::SetUsed(DataSize::from_bytes(7_000)), "request=set-used\nbytes=7000\n"),
        (Request::SetCounter(41), "request=set-counter\ncounter=41\n"),
        (
            Request::IpUp {
                link: ppp0(Some(addresses)),
                name_servers: vec![address(9, 9, 9, 9), address(1, 1, 1, 1)],
            },
            "request=ip-up\ninterface=ppp0\npid=412\nlocal=10.3.2.1\nremote=10.64.64.64\nname-servers=9.9.9.9 1.1.1.1\n",
        ),
        (
            Request::IpUp { link: ppp0(None), name_servers: vec![] },
            "request=ip-up\ninterface=ppp0\npid=412\nname-servers=\n",
        ),
        (
            Request::IpDown { pid: Pid::from_raw(412).unwrap(), carried: Some(5_000_000_000) },
            "request=ip-down\npid=412\nbytes=5000000000\n",
        ),
        (
            Request::DialFailure(DialFailure::from_chat_status(7, "")),
            "request=no-call\nstatus=7\nreported=\n",
        ),
        (
            Request::DialFailure(DialFailure::from_chat_status(16, "+CME ERROR: 30")),
            "request=no-call\nstatus=16\nreported=+CME ERROR: 30\n",
        ),
        (
            Request::OwnAddress { pid: Pid::from_raw(412).unwrap(), address: address(10, 3, 2, 1) },
            "request=own-address\npid=412\naddress=10.3.2.1\n",
        ),
    ] {
        assert_eq!(request.to_record().to_string(), wire);
        assert_eq!(Request::from_record(&Record::parse(wire)), Some(request));
    }
}

#[test]
fn invalid_requests_are_refused() {
    for wire in [
        "",
        "request=format\n",
        "request=connect\nseconds=soon\n",
        "request=ip-up\npid=412\n",
        "request=ip-up\ninterface=../x\npid=412\n",
        "request=ip-down\npid=-1\n",
        "request=set-used\n",
        "request=no-call\nstatus=300\n",
        "request=own-address\npid=412\naddress=ppp0\n",
    ] {
        assert_eq!(Request::from_record(&Record::parse(wire)), None, "{wire:?}");
    }
}

/// A server that answers its first request with this sentence.
fn answering(paths: &Paths, reply: Reply) -> thread::JoinHandle<Request> {
    let mut server = Server::open(paths).unwrap();
    thread::spawn(move || {
        loop {
            let mut fds: Vec<_> =
                server.fds().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
            poll(&mut fds, None).unwrap();
            drop(fds);
            if let Some((client, request)) = server.poll().pop() {
                server.answer(client, &reply);
                return request;
            }
        }
    })
}

const SOON: Duration = Duration::from_secs(10);

#[test]
fn a_request_gets_its_reply() {
    let dir = tempfile::tempdir().unwrap();
    let paths = Paths::below(dir.path());
    for reply in [Reply::Done("connected as 10.3.2.1".into()), Reply::Failed("no carrier".into())] {
        let server = answering(&paths, reply.clone());
        assert_eq!(request(&paths, &Request::Connect(None), SOON).unwrap(), reply);
        assert_eq!(server.join().unwrap(), Request::Connect(None));
    }
}

#[test]
fn only_root_can_send_requests() {
    let dir = tempfile::tempdir().unwrap();
    let paths = Paths::below(dir.path());
    let _desk = Server::open(&paths).unwrap();
    let mode = std::fs::metadata(paths.run_file(CONTROL_SOCKET)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_socket_has_its_mode_from_its_creation_on() {
    let dir = tempfile::tempdir().unwrap();
    let paths = Paths::below(dir.path());
    let beside = paths.run_file(CONTROL_SOCKET).parent().unwrap().to_owned();
    std::fs::create_dir_all(&beside).unwrap();
    let watch = inotify::init(CreateFlags::NONBLOCK).unwrap();
    inotify::add_watch(&watch, &beside, WatchFlags::CREATE | WatchFlags::ATTRIB).unwrap();
    let _server = Server::open(&paths).unwrap();
    let mut buffer = [MaybeUninit::uninit(); 1024];
    let mut events = inotify::Reader::new(&watch, &mut buffer);
    assert_eq!(events.next().unwrap().events(), ReadFlags::CREATE);
    assert_eq!(events.next().err(), Some(rustix::io::Errno::AGAIN), "a mode was changed");
}

#[test]
fn without_a_dialer_the_client_gets_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let paths = Paths::below(dir.path());
    assert!(matches!(request(&paths, &Request::Budget, SOON), Err(RequestError::NotRunning)));
    drop(Server::open(&paths).unwrap());
    assert!(matches!(request(&paths, &Request::Budget, SOON), Err(RequestError::NotRunning)));
}

#[test]
fn a_client_waits_for_a_reply_no_longer_than_its_limit() {
    let dir = tempfile::tempdir().unwrap();
    let paths = Paths::below(dir.path());
    let _desk = Server::open(&paths).unwrap();
    let reply = request(&paths, &Request::Budget, Duration::from_millis(20));
    assert!(matches!(reply, Err(RequestError::TimedOut(_))), "{reply:?}");
}

#[test]
fn clients_with_endless_or_unfinished_requests_do_not_block_others() {
    use std::io::{Read, Write};
    let dir = tempfile::tempdir().unwrap();
    let paths = Paths::below(dir.path());
    let mut server = Server::open(&paths).unwrap();
    let mut silent: Vec<_> =
        (0..40).map(|_| UnixStream::connect(paths.run_file(CONTROL_SOCKET)).unwrap()).collect();
    let mut talker = UnixStream::connect(paths.run_file(CONTROL_SOCKET)).unwrap();
    talker.write_all(&[b'x'; 5000]).unwrap();
    assert_eq!(server.poll(), []);
    assert!(server.fds().count() <= 17);
    assert_eq!(silent[0].read(&mut [0]).unwrap(), 0);

    let mut wrong = UnixStream::connect(paths.run_file(CONTROL_SOCKET)).unwrap();
    wrong.write_all(b"request=format\n").unwrap();
    wrong.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(server.poll(), []);
    let mut answer = String::new();
    wrong.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "failed=this is no request\n");
}

//! A fleet from its files to the sites of its boxes.

use std::collections::BTreeSet;

use dialbox::site::Role;

use super::*;
use crate::provision::{
    base::{Base, tests::base_image},
    secrets::Secrets,
    sheet,
    site::{self, Unique},
};

const DOCS: &str = include_str!("../../../../docs/provision.md");

/// An example of the documentation, by its first line.
fn example(name: &str) -> &'static str {
    let mut blocks = DOCS.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.find(|block| block.starts_with(&format!("# {name}\n"))).unwrap()
}

/// A directory with these files, and its fleet.
fn fleet(files: &[(&str, &str)]) -> (tempfile::TempDir, Result<Fleet>) {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let fleet = Fleet::load(&dir.path().join("sites.toml"));
    (dir, fleet)
}

fn secrets(fleet: &Fleet, file: &Path) -> Secrets {
    let mut secrets = Secrets::load(file).unwrap();
    let mut next = 0u8;
    for member in &fleet.boxes {
        let template = fleet.template(member).unwrap();
        for hole in site::wanted_secrets(fleet, member, &template) {
            let mut random = |bytes: &mut [u8]| {
                next += 1;
                bytes.fill(next);
                Ok(())
            };
            secrets.ensure(&member.name, &hole, &mut random).unwrap();
        }
    }
    secrets
}

#[test]
fn the_example_of_the_documentation_makes_two_boxes_that_differ() {
    let (dir, fleet) = fleet(&[("sites.toml", example("sites.toml")), ("cabin.toml", example("cabin.toml"))]);
    let fleet = fleet.unwrap();
    let names: Vec<&str> = fleet.boxes.iter().map(|member| member.name.as_str()).collect();
    assert_eq!(names, ["cabin-17", "cabin-18"]);
    let secrets = secrets(&fleet, &dir.path().join("sites.secrets.toml"));
    let base = Base::load(&base_image(dir.path(), "old")).unwrap();
    let mut unique = Unique::default();
    let mut keys = BTreeSet::new();
    for (member, apn) in fleet.boxes.iter().zip(["websfr", "sl2sfr"]) {
        let made = site::make(&fleet, member, &secrets).unwrap();
        unique.enter(&member.name, &made.site, str::to_owned).unwrap();
        assert_eq!(made.site.hostname.to_string(), member.name);
        let Role::Dialer(dialer) = &made.site.role else { panic!() };
        assert_eq!(dialer.operator.apn.as_str(), apn);
        assert_eq!(dialer.sms.as_ref().unwrap().numbers.len(), 2);
        keys.insert(sheet::public_key(&made.site).unwrap());
        let card = sheet::Card { number: 1, name: &member.name, file: "x", made: &made };
        let section = sheet::section(card, &secrets).unwrap();
        let octet = &member.name["cabin-".len()..];
        assert!(
            section.contains("<svg") && section.contains(&format!("AllowedIPs = 10.9.0.{octet}/32")),
            "{section}"
        );
        let changes = base.with_site(&made.text).unwrap();
        assert!(changes.encode(&base.id).len() <= 64 << 10);
    }
    assert_eq!(keys.len(), 2);
}

const TEMPLATE: &str =
    "role = \"dialer\"\nhostname = \"{name}\"\n[operator]\nname = \"sfr\"\napn = \"{apn}\"\n";

/// The error of the only box of such a file.
fn error(template: &str, sites: &str) -> String {
    let (dir, fleet) = fleet(&[("sites.toml", sites), ("t.toml", template)]);
    let made = fleet.and_then(|fleet| {
        fleet.refuse_unused()?;
        let secrets = secrets(&fleet, &dir.path().join("secrets"));
        site::make(&fleet, &fleet.boxes[0], &secrets).map(drop)
    });
    made.unwrap_err().to_string().replace(&format!("{}/", dir.path().display()), "")
}

#[test]
fn every_error_has_its_file_line_and_column() {
    for (sites, wanted) in [
        (
            "template = 't.toml'\n[box.a]\napn = 'a b'\n",
            "error: sites.toml:3:7: \"a b\" is not an access point",
        ),
        ("template = 't.toml'\n[common]\napn = 'a b'\n[box.a]\n", "error: sites.toml:3:7: \"a b\" is not"),
        ("template = 't.toml'\n[box.a]\n", "error: t.toml:5:8: there is no value for {apn}"),
        (
            "template = 't.toml'\n[common]\napn = 'x'\none-time-secert = 'x'\n[box.a]\n",
            "error: sites.toml:4:19: no template has a hole {one-time-secert}",
        ),
        ("template = 't.toml'\n[box.a]\napm = 'x'\n", "error: sites.toml:3:7: t.toml has no hole {apm}"),
        (
            "template = 't.toml'\n[box.a]\napn = 1.5\n",
            "error: sites.toml:3:7: this cannot be put into a hole",
        ),
        ("template = 't.toml'\n[box.a]\nname = 'x'\n", "error: sites.toml:3:8: the name of a box is"),
        (
            "template = 't.toml'\n[box.a_b]\napn = 'x'\n",
            "error: sites.toml:2:6: a box cannot be called \"a_b\"",
        ),
        (
            "template = 't.toml'\n[box.a]\napn='x'\n[box.a]\n",
            "error: sites.toml:4:6: this name is there already",
        ),
        ("template = 't.toml'\n[box.a]\napn='x'\n[box.A]\n", "error: sites.toml:4:6: two boxes are called A"),
        ("[box.a]\napn='x'\n", "error: sites.toml:1:6: this box has no template"),
        (
            "templates = 't.toml'\n",
            "error: sites.toml:1:1: unknown key `templates`; did you mean `template`?",
        ),
        ("template = 't.toml'\n", "error: sites.toml has no boxes"),
        ("template = 't.toml\n", "error: sites.toml:1:"),
    ] {
        let error = error(TEMPLATE, sites);
        assert!(error.starts_with(wanted), "{wanted}\n{error}");
    }
    let sites = "template = 't.toml'\n[box.a]\napn = 'x'\n";
    let error = error(&TEMPLATE.replace("role =", "rolle ="), sites);
    assert!(error.starts_with("error: t.toml:1:1: unknown key `rolle`"), "{error}");
    assert!(error.contains("in the site of a (sites.toml:2:6)"), "{error}");
}

#[test]
fn two_boxes_with_one_host_name_or_key_are_refused() {
    let template = TEMPLATE.replace("{name}", "{host}");
    let sites = "template = 't.toml'\n[common]\napn='x'\n[box.a]\nhost='one'\n[box.b]\nhost='One'\n";
    let (dir, fleet) = fleet(&[("sites.toml", sites), ("t.toml", &template)]);
    let fleet = fleet.unwrap();
    let secrets = secrets(&fleet, &dir.path().join("secrets"));
    let mut unique = Unique::default();
    let mut enter = |index: usize| {
        let made = site::make(&fleet, &fleet.boxes[index], &secrets).unwrap();
        unique.enter(&fleet.boxes[index].name, &made.site, |name| fleet.place_of_box(name))
    };
    enter(0).unwrap();
    let error = enter(1).unwrap_err().to_string();
    let error = error.replace(&format!("{}/", dir.path().display()), "");
    assert!(
        error.contains("sites.toml:6:6: b and a have the same host name\n  a is at sites.toml:4:6\n"),
        "{error}"
    );
}

#[test]
fn two_boxes_with_one_address_at_a_peer_are_refused() {
    let key = |last: char| format!("yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fB{last}k=");
    let peers =
        ["b/+8yjlfqle5awL8Vne6lpRdvSDyQz5sbyoEugWxDcc=", "LVzhNIRwcCZ8nLbCbvMs1ql87Jh84ADfLhO3gs7nils="];
    let site = |key: &str, peer: &str, host: &str| {
        let text = format!(
            "role='dialer'\nhostname='{host}'\n[operator]\nname='x'\napn='x'\n[vpn]\nprivate-key='{key}'\n\
             address='10.9.0.2/24'\npublic-key='{peer}'\nendpoint='203.0.113.5:51820'\nnetworks=['10.9.0.0/24']\n"
        );
        dialbox::site::Site::parse(&text).unwrap()
    };
    let mut unique = Unique::default();
    unique.enter("a", &site(&key('m'), peers[0], "a"), str::to_owned).unwrap();
    unique.enter("b", &site(&key('n'), peers[1], "b"), str::to_owned).unwrap();
    let error = unique.enter("c", &site(&key('o'), peers[0], "c"), str::to_owned).unwrap_err().to_string();
    assert!(error.contains("c and a have the same address at the same peer of the VPN"), "{error}");
}

#[test]
fn a_directory_of_sites_is_a_fleet_and_its_secrets_are_no_site() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["b.toml", "a.toml", "secrets.toml", "notes.txt"] {
        fs::write(dir.path().join(name), TEMPLATE.replace("{apn}", "x")).unwrap();
    }
    let fleet = Fleet::load(dir.path()).unwrap();
    let names: Vec<&str> = fleet.boxes.iter().map(|member| member.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    let secrets = Secrets::load(&dir.path().join("none")).unwrap();
    assert_eq!(site::make(&fleet, &fleet.boxes[1], &secrets).unwrap().site.hostname.to_string(), "b");
}

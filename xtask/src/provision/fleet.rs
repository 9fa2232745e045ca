//! The boxes to make: a `sites.toml` with common values, templates and a table for each box, or a directory of sites.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    rc::Rc,
};

use dialbox::site::{Hostname, closest};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::template::{Position, Template};
use crate::error::{Context, Error, Result};
use crate::text_file;

/// All boxes, in the order of the file, or of their files' names.
#[derive(Debug)]
pub struct Fleet {
    /// The file or directory.
    pub file: PathBuf,
    /// The boxes.
    pub boxes: Vec<Member>,
    common: Values,
    /// The file's text, to name places in it.
    text: String,
    templates: RefCell<BTreeMap<PathBuf, Rc<Template>>>,
}

/// One box.
#[derive(Debug)]
pub struct Member {
    /// Its name: `[box.NAME]`, or its file without `.toml`.
    pub name: String,
    /// The byte of the file where it is named.
    pub at: usize,
    template: PathBuf,
    values: Values,
}

type Values = BTreeMap<String, Given>;

/// A value as it goes into a hole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// A string without its quotes, escaped; anything else as TOML.
    pub text: String,
    /// The byte of the file where it is.
    pub at: usize,
}

/// The hole for the box's own name.
pub const NAME: &str = "name";
/// The secrets of a directory of sites; not a site.
const SECRETS: &str = "secrets.toml";
const COMMON: &str = "common";
const BOX: &str = "box";
const TEMPLATE: &str = "template";

impl Fleet {
    /// Reads the file or the directory, but no template.
    ///
    /// # Errors
    /// With file, line and column.
    pub fn load(path: &Path) -> Result<Self> {
        let is_dir = path.is_dir();
        let fleet = if is_dir { Self::of_directory(path) } else { Self::of_file(path) }?;
        let mut known = BTreeMap::new();
        for member in &fleet.boxes {
            if member.name.parse::<Hostname>().is_err() {
                return Err(Error::new(format!(
                    "{}: a box cannot be called {:?}",
                    fleet.place(member),
                    member.name
                ))
                .hint("use 1 to 63 letters, digits and inner hyphens"));
            }
            // File systems of other machines do not distinguish them, and neither does a network.
            if let Some(other) = known.insert(member.name.to_lowercase(), member) {
                return Err(Error::new(format!(
                    "{}: two boxes are called {}",
                    fleet.place(member),
                    member.name
                ))
                .fact(format!("the first one is at {}", fleet.place(other)))
                .hint("rename one of the two"));
            }
        }
        match fleet.boxes.is_empty() {
            true => Err(Error::new(format!("{} has no boxes", path.display())).hint(match is_dir {
                true => "put a site.toml for each box into it, as cabin-17.toml",
                false => "add a table for each box: [box.cabin-17]",
            })),
            false => Ok(fleet),
        }
    }

    fn of_directory(path: &Path) -> Result<Self> {
        let cannot = || format!("cannot read {}", path.display());
        let mut files = Vec::new();
        for entry in fs::read_dir(path).context(cannot)? {
            let file = entry.context(cannot)?.path();
            if file.extension().is_some_and(|ending| ending == "toml")
                && file.file_name().is_none_or(|it| it != SECRETS)
            {
                files.push(file);
            }
        }
        files.sort_unstable();
        let member = |template: PathBuf| Member {
            name: template.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            at: 0,
            template,
            values: Values::new(),
        };
        let boxes = files.into_iter().map(member).collect();
        Ok(Self {
            file: path.to_owned(),
            boxes,
            common: Values::new(),
            text: String::new(),
            templates: RefCell::default(),
        })
    }

    fn of_file(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let text = text_file::read(path, &name)
            .map_err(|error| error.hint("docs/provision.md describes sites.toml"))?;
        let reader = Reader { name: &name, text: &text, directory: path.parent().unwrap_or(Path::new("")) };
        let (common, boxes) = reader.read()?;
        Ok(Self { file: path.to_owned(), boxes, common, text, templates: RefCell::default() })
    }

    /// `sites.toml:12:1`, or the box's own file.
    pub fn place(&self, member: &Member) -> String {
        match self.file.is_dir() {
            true => member.template.display().to_string(),
            false => self.place_of(member.at),
        }
    }

    /// A byte of the file: `sites.toml:12:1`.
    pub fn place_of(&self, at: usize) -> String {
        let Position { line, column } = Position::of(&self.text, at);
        format!("{}:{line}:{column}", self.file.display())
    }

    /// The template of a box. One of a `sites.toml` is kept for the next box.
    pub fn template(&self, member: &Member) -> Result<Rc<Template>> {
        if let Some(known) = self.templates.borrow().get(&member.template) {
            return Ok(known.clone());
        }
        let name = member.template.display().to_string();
        let text = text_file::read(&member.template, &name).map_err(|error| match self.file.is_dir() {
            true => error,
            false => error.fact(format!("it is the template of {} ({})", member.name, self.place(member))),
        })?;
        let template = Rc::new(Template::parse(&name, text)?);
        if !self.file.is_dir() {
            self.templates.borrow_mut().insert(member.template.clone(), template.clone());
        }
        Ok(template)
    }

    /// The value that the file gives for a hole of a box.
    pub fn given<'a>(&'a self, member: &'a Member, hole: &str) -> Option<&'a Given> {
        member.values.get(hole).or_else(|| self.common.get(hole))
    }

    /// Values of a box that its template does not use.
    pub fn unused<'a>(&self, member: &'a Member, template: &Template) -> Option<(&'a str, &'a Given)> {
        let is_used = |name: &str| template.holes().any(|hole| hole.name == name);
        member.values.iter().find(|(name, _)| !is_used(name)).map(|(name, given)| (name.as_str(), given))
    }
}

struct Reader<'a> {
    name: &'a str,
    text: &'a str,
    directory: &'a Path,
}

impl Reader<'_> {
    fn read(&self) -> Result<(Values, Vec<Member>)> {
        let document = DeTable::parse(self.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            match error.message() {
                "duplicate key" => {
                    self.error(at, "this name is there already").hint("rename or remove one of the two")
                }
                other => self.error(at, other).hint("correct this line"),
            }
        })?;
        let document = document.into_inner();
        for (key, _) in &document {
            self.refuse_unknown(key.get_ref(), key.span().start, &[TEMPLATE, COMMON, BOX])?;
        }
        let common = document.get(COMMON).map(|table| self.values(table)).transpose()?.unwrap_or_default();
        let template = document.get(TEMPLATE).map(|value| self.template(value)).transpose()?;
        let Some(boxes) = document.get(BOX) else { return Ok((common, Vec::new())) };
        let mut members = Vec::new();
        for (name, table) in self.table(boxes)? {
            let mut values = self.values(table)?;
            let own = self.table(table)?.get(TEMPLATE).map(|value| self.template(value)).transpose()?;
            values.remove(TEMPLATE);
            let at = name.span().start;
            let template = own.or_else(|| template.clone()).ok_or_else(|| {
                self.error(at, "this box has no template")
                    .hint("add `template = \"cabin.toml\"`, a site.toml with holes")
            })?;
            members.push(Member { name: name.get_ref().to_string(), at, template, values });
        }
        // toml's table sorts by name.
        members.sort_by_key(|member| member.at);
        Ok((common, members))
    }

    fn template(&self, value: &Spanned<DeValue<'_>>) -> Result<PathBuf> {
        match value.get_ref() {
            DeValue::String(file) => Ok(self.directory.join(file.as_ref())),
            _ => Err(self
                .error(value.span().start, "a template is a file")
                .hint("write its name in double quotes")),
        }
    }

    fn table<'t>(&self, value: &'t Spanned<DeValue<'t>>) -> Result<&'t DeTable<'t>> {
        match value.get_ref() {
            DeValue::Table(table) => Ok(table),
            _ => Err(self
                .error(value.span().start, "this is not a table")
                .hint("write [common] or [box.NAME]")),
        }
    }

    fn values(&self, table: &Spanned<DeValue<'_>>) -> Result<Values> {
        let table = self.table(table)?;
        let value = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
            let text = self.in_hole(value)?;
            let key: &std::borrow::Cow<'_, str> = key.get_ref();
            if key == NAME {
                return Err(self
                    .error(value.span().start, "the name of a box is that of its table")
                    .hint("use another word, or leave it out: {name} is the name in [box.NAME]"));
            }
            Ok((key.to_string(), Given { text, at: value.span().start }))
        };
        table.iter().map(value).collect()
    }

    fn in_hole(&self, value: &Spanned<DeValue<'_>>) -> Result<String> {
        match value.get_ref() {
            DeValue::String(text) => Ok(escaped(text)),
            DeValue::Array(elements) => {
                let each = elements.iter().map(|element| match element.get_ref() {
                    DeValue::String(text) => Ok(format!("\"{}\"", escaped(text))),
                    _ => self.in_hole(element),
                });
                Ok(format!("[{}]", each.collect::<Result<Vec<_>>>()?.join(", ")))
            }
            DeValue::Integer(digits) => {
                let number = i64::from_str_radix(digits.as_str(), digits.radix());
                let number = number.map_err(|_| self.error(value.span().start, "this number is too large"));
                Ok(number?.to_string())
            }
            DeValue::Boolean(flag) => Ok(flag.to_string()),
            _ => Err(self
                .error(value.span().start, "this cannot be put into a hole")
                .hint("write text in double quotes, a whole number, true, false, or a list of these")),
        }
    }

    fn refuse_unknown(&self, key: &str, at: usize, known: &[&str]) -> Result<()> {
        if known.contains(&key) {
            return Ok(());
        }
        let meant =
            closest(key, known.iter().copied()).map_or(String::new(), |it| format!("; did you mean `{it}`?"));
        Err(self
            .error(at, &format!("unknown key `{key}`{meant}"))
            .hint(format!("use one of {}", known.join(", "))))
    }

    fn error(&self, at: usize, why: &str) -> Error {
        let Position { line, column } = Position::of(self.text, at);
        Error::new(format!("{}:{line}:{column}: {why}", self.name))
    }
}

/// As it stands between double quotes (TOML 1.0, basic strings).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' => escaped.extend(['\\', c]),
            c if c.is_control() => escaped.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use dialbox::site::Role;

    use super::*;
    use crate::provision::{
        base::{Base, tests::base_image},
        secrets::Secrets,
        sheet,
        site::{self, Unique},
    };

    const DOCS: &str = include_str!("../../../docs/provision.md");

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
        let (dir, fleet) =
            fleet(&[("sites.toml", example("sites.toml")), ("cabin.toml", example("cabin.toml"))]);
        let fleet = fleet.unwrap();
        let names: Vec<&str> = fleet.boxes.iter().map(|member| member.name.as_str()).collect();
        assert_eq!(names, ["cabin-17", "cabin-18"]);
        let secrets = secrets(&fleet, &dir.path().join("sites.secrets.toml"));
        let base = Base::load(&base_image(dir.path(), "old")).unwrap();
        let mut unique = Unique::default();
        let mut keys = BTreeSet::new();
        for (member, apn) in fleet.boxes.iter().zip(["websfr", "sl2sfr"]) {
            let made = site::make(&fleet, member, &secrets).unwrap();
            unique.enter(&member.name, &made.site).unwrap();
            assert_eq!(made.site.hostname.to_string(), member.name);
            let Role::Dialer(dialer) = &made.site.role else { panic!() };
            assert_eq!(dialer.operator.apn.as_str(), apn);
            assert_eq!(dialer.sms.as_ref().unwrap().numbers.len(), 2);
            keys.insert(sheet::public_key(&made.site).unwrap());
            let card = sheet::Card { number: 1, name: &member.name, file: "x", site: &made.site };
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
            (
                "template = 't.toml'\n[common]\napn = 'a b'\n[box.a]\n",
                "error: sites.toml:3:7: \"a b\" is not",
            ),
            ("template = 't.toml'\n[box.a]\n", "error: t.toml:5:8: there is no value for {apn}"),
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
            (
                "template = 't.toml'\n[box.a]\napn='x'\n[box.A]\n",
                "error: sites.toml:4:6: two boxes are called A",
            ),
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
    fn a_value_cannot_end_its_string() {
        let text = escaped("a\"\nrole = \"dial-in\\");
        let table: toml::Table = format!("a = \"{text}\"").parse().unwrap();
        assert_eq!(table["a"].as_str(), Some("a\"\nrole = \"dial-in\\"));
        assert_eq!(table.len(), 1);
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
            unique.enter(&fleet.boxes[index].name, &made.site)
        };
        enter(0).unwrap();
        let error = enter(1).unwrap_err().to_string();
        assert!(error.contains("b and a have the same host name"), "{error}");
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
        unique.enter("a", &site(&key('m'), peers[0], "a")).unwrap();
        unique.enter("b", &site(&key('n'), peers[1], "b")).unwrap();
        let error = unique.enter("c", &site(&key('o'), peers[0], "c")).unwrap_err().to_string();
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
}

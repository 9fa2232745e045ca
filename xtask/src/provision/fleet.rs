//! The boxes to make: a `sites.toml` with common values, templates and a table for each box, or a directory of sites.

mod sites_toml;
#[cfg(test)]
mod tests;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    rc::Rc,
};

use dialbox::site::Hostname;
use sites_toml::Reader;

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

    /// The same for the box of a name.
    pub fn place_of_box(&self, name: &str) -> String {
        let member = self.boxes.iter().find(|member| member.name == name);
        member.map_or_else(|| self.file.display().to_string(), |member| self.place(member))
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

    /// A secret with a misspelled name would be made anew, and the given one forgotten.
    ///
    /// # Errors
    /// No template uses a value of `[common]`; with its line and column.
    pub fn refuse_unused(&self) -> Result<()> {
        let mut unused: BTreeMap<_, _> = self.common.iter().collect();
        let mut known = BTreeSet::new();
        for member in self.boxes.iter().filter(|member| known.insert(&member.template)) {
            // What is wrong with a template is told with its boxes.
            let Ok(template) = self.template(member) else { return Ok(()) };
            unused.retain(|name, _| template.holes().all(|hole| hole.name != **name));
        }
        match unused.first_key_value() {
            None => Ok(()),
            Some((name, given)) => {
                Err(Error::new(format!("{}: no template has a hole {{{name}}}", self.place_of(given.at)))
                    .hint("correct the name, or remove the line"))
            }
        }
    }

    /// Values of a box that its template does not use.
    pub fn unused<'a>(&self, member: &'a Member, template: &Template) -> Option<(&'a str, &'a Given)> {
        let is_used = |name: &str| template.holes().any(|hole| hole.name == name);
        member.values.iter().find(|(name, _)| !is_used(name)).map(|(name, given)| (name.as_str(), given))
    }
}

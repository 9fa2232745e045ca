//! The root file system as a value: paths, modes and origins.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    manifest::{Layer, PackageId},
};

/// Absolute path → node. Every node's parent is in it.
#[derive(Debug, Default)]
pub struct Tree {
    nodes: BTreeMap<String, Node>,
}

/// One file, directory or link.
#[derive(Debug, Clone)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Permission bits.
    pub mode: u16,
    /// Whose it is.
    pub owner: Owner,
    /// Which recipe asked for it, and where it was found.
    pub origin: Origin,
}

/// The numbers of a user and of a group; by default root's.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// The user's.
    pub user: u16,
    /// The group's.
    pub group: u16,
}

/// What a node is.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A regular file.
    File(Arc<[u8]>),
    /// A regular file whose content is not available yet: not unpacked, or not compiled.
    Pending,
    /// A symbolic link to this target.
    Symlink(String),
}

/// Where a node came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// A recipe asked for it.
    Recipe {
        /// Its name.
        recipe: String,
        /// Where the node was found.
        source: Source,
        /// The layer whose own file it is; none for the checkout's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        layer: Option<String>,
    },
    /// Rendered from `site.toml`.
    Site,
    /// In `image/boot/`.
    Boot,
    /// Made by the builder of the finished root, so that it follows from the site as well: the initramfs, and the record
    /// of the card in it.
    Root,
}

/// The source of a node that a recipe asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// In a Debian package.
    Package(PackageId),
    /// In `overlay/`.
    Overlay,
    /// The program of this name, compiled from `src/`.
    Program(String),
    /// The library of this soname, compiled from `image/stub-libraries/`.
    StubLibrary(String),
    /// Made by the builder: links, directories, `modules.dep`.
    Builder,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (recipe, source, layer) = match self {
            Self::Recipe { recipe, source, layer } => (recipe, source, layer),
            Self::Site => return f.write_str("site.toml"),
            Self::Boot => return f.write_str("image/boot/"),
            Self::Root => return f.write_str("the finished root"),
        };
        match source {
            Source::Package(id) => write!(f, "package {}, ", id.name)?,
            Source::Overlay => write!(f, "overlay/, ")?,
            Source::StubLibrary(_) => write!(f, "image/stub-libraries/, ")?,
            Source::Program(_) => write!(f, "src/, ")?,
            Source::Builder => {}
        }
        write!(f, "recipe {recipe}")?;
        layer.as_ref().map_or(Ok(()), |layer| write!(f, ", layer {layer}"))
    }
}

impl Tree {
    /// Adds a node. Two files of one name are an error; a directory may be added twice.
    pub fn add(&mut self, path: &str, node: Node) -> Result<()> {
        let path = path.trim_end_matches('/');
        refuse_too_long(path, &node)?;
        self.add_parents(path, &node.origin)?;
        match self.nodes.get(path) {
            None => {}
            Some(Node { kind: Kind::Directory, .. }) if matches!(node.kind, Kind::Directory) => return Ok(()),
            Some(there) => {
                return Err(Error::new(format!("two files want to be {path} in the root"))
                    .fact(format!("one from {}", there.origin))
                    .fact(format!("one from {}", node.origin))
                    .hint("take it out of one of the two"));
            }
        }
        self.nodes.insert(path.to_owned(), node);
        Ok(())
    }

    /// Adds a node or replaces the one at `path`: for the site, whose files come last.
    pub fn put(&mut self, path: &str, node: Node) -> Result<()> {
        self.nodes.remove(path);
        self.add(path, node)
    }

    /// Adds an empty directory, mode 0755.
    pub fn add_directory(&mut self, path: &str, origin: &Origin) -> Result<()> {
        self.add(path, Node::directory(origin))
    }

    /// All nodes by path, parents before children.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(path, node)| (path.as_str(), node))
    }

    /// All paths, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &str> + Clone {
        self.nodes.keys().map(String::as_str)
    }

    /// Regular files only.
    pub fn files(&self) -> impl Iterator<Item = (&str, &Node, &Arc<[u8]>)> {
        self.iter().filter_map(|(path, node)| match &node.kind {
            Kind::File(content) => Some((path, node, content)),
            _ => None,
        })
    }

    /// The node at exactly this path.
    pub fn get(&self, path: &str) -> Option<&Node> {
        self.nodes.get(path)
    }

    /// Files whose content is not there yet.
    pub fn pending(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.iter().filter(|(_, node)| matches!(node.kind, Kind::Pending))
    }

    /// The content of a text file; `None` if there is none at this path.
    pub fn text(&self, path: &str) -> Option<&str> {
        match &self.nodes.get(path)?.kind {
            Kind::File(content) => std::str::from_utf8(content).ok(),
            _ => None,
        }
    }

    /// Sets the content of a file that is there.
    pub fn set_text(&mut self, path: &str, text: String) {
        if let Some(Node { kind: Kind::File(content), .. }) = self.nodes.get_mut(path) {
            *content = text.into_bytes().into();
        }
    }

    /// Sets the permission bits of a file or directory; `false` if there is none at this path.
    pub fn set_mode(&mut self, path: &str, mode: u16) -> bool {
        self.own_node(path).map(|node| node.mode = mode).is_some()
    }

    /// Sets the owner of a file or directory; `false` if there is none at this path.
    pub fn set_owner(&mut self, path: &str, owner: Owner) -> bool {
        self.own_node(path).map(|node| node.owner = owner).is_some()
    }

    /// What has permissions: a file or a directory, and no link.
    fn own_node(&mut self, path: &str) -> Option<&mut Node> {
        self.nodes.get_mut(path.trim_end_matches('/')).filter(|it| !matches!(it.kind, Kind::Symlink(_)))
    }

    /// Sets the content of every pending file to what `content` returns for its origin.
    pub fn fill(&mut self, content: impl Fn(&Origin) -> Result<Vec<u8>>) -> Result<()> {
        for node in self.nodes.values_mut().filter(|it| matches!(it.kind, Kind::Pending)) {
            node.kind = Kind::File(content(&node.origin)?.into());
        }
        Ok(())
    }

    /// The path after following all links. The error is the first path on the way that does not
    /// exist, or the link that closes a loop.
    pub fn resolve(&self, path: &str) -> Result<String, String> {
        let mut todo: Vec<String> =
            path.split('/').rev().filter(|it| !it.is_empty()).map(Into::into).collect();
        let mut at = String::new();
        let mut links = 0;
        while let Some(step) = todo.pop() {
            match step.as_str() {
                "." => continue,
                ".." => {
                    at.truncate(at.rfind('/').unwrap_or(0));
                    continue;
                }
                _ => {}
            }
            let next = format!("{at}/{step}");
            let Some(node) = self.nodes.get(&next) else { return Err(next) };
            match &node.kind {
                Kind::Symlink(target) => {
                    links += 1;
                    // As many as the kernel follows (include/linux/namei.h, MAXSYMLINKS).
                    if links > 40 {
                        return Err(next);
                    }
                    if target.starts_with('/') {
                        at.clear();
                    }
                    todo.extend(target.split('/').rev().filter(|it| !it.is_empty()).map(Into::into));
                }
                _ => at = next,
            }
        }
        Ok(at)
    }

    fn add_parents(&mut self, path: &str, origin: &Origin) -> Result<()> {
        for (at, _) in path.match_indices('/').skip(1) {
            let parent = &path[..at];
            match self.nodes.get(parent) {
                Some(Node { kind: Kind::Directory, .. }) => {}
                Some(Node { origin: there, .. }) => {
                    return Err(Error::new(format!("{path} lies below {parent}, which is no directory"))
                        .fact(format!("{parent} comes from {there}"))
                        .fact(format!("{path} comes from {origin}"))
                        .hint("take one of the two out, or give it another place"));
                }
                None => {
                    let node = Node::directory(origin);
                    self.nodes.insert(parent.to_owned(), node);
                }
            }
        }
        Ok(())
    }
}

impl Node {
    /// An empty directory, mode 0755.
    pub fn directory(origin: &Origin) -> Self {
        Self { kind: Kind::Directory, mode: 0o755, owner: Owner::default(), origin: origin.clone() }
    }

    /// A regular file.
    pub fn file(content: impl Into<Arc<[u8]>>, mode: u16, origin: &Origin) -> Self {
        Self { kind: Kind::File(content.into()), mode, owner: Owner::default(), origin: origin.clone() }
    }

    /// A regular file with pending content.
    pub fn pending(mode: u16, origin: &Origin) -> Self {
        Self { kind: Kind::Pending, mode, owner: Owner::default(), origin: origin.clone() }
    }

    /// A symbolic link.
    pub fn symlink(target: impl Into<String>, origin: &Origin) -> Self {
        Self {
            kind: Kind::Symlink(target.into()),
            mode: 0o777,
            owner: Owner::default(),
            origin: origin.clone(),
        }
    }
}

/// The longest name of a file on Linux (`NAME_MAX`, limits.h). The crate backhand 0.25 writes no longer targets of links
/// either (`BasicSymlink` in its `v4/inode.rs`), and panics where it should return an error.
const LONGEST: usize = 255;

fn is_too_long(bytes: usize) -> bool {
    bytes > LONGEST
}

fn refuse_too_long(path: &str, node: &Node) -> Result<()> {
    let refused = |what: String| {
        let error = Error::new(what).fact(format!("it comes from {}", node.origin));
        Err(error.hint(format!("leave it out, or shorten it to {LONGEST} bytes")))
    };
    match &node.kind {
        Kind::Symlink(target) if is_too_long(target.len()) => {
            refused(format!("the target of the link {path} has {} bytes", target.len()))
        }
        _ => match path.split('/').find(|name| is_too_long(name.len())) {
            Some(name) => refused(format!("a name has {} bytes: {name}", name.len())),
            None => Ok(()),
        },
    }
}

impl Origin {
    /// A node from `source`, for `recipe`.
    pub fn new(recipe: impl Into<String>, source: Source) -> Self {
        Self::Recipe { recipe: recipe.into(), source, layer: None }
    }

    /// The same from a layer's own files.
    pub fn of_layer(self, from: &Layer) -> Self {
        match self {
            Self::Recipe { recipe, source, .. } => {
                Self::Recipe { recipe, source, layer: (!from.is_checkout()).then(|| from.name.clone()) }
            }
            other => other,
        }
    }

    /// The layer whose own file it is.
    pub fn layer(&self) -> Option<&str> {
        match self {
            Self::Recipe { layer, .. } => layer.as_deref(),
            _ => None,
        }
    }

    /// The recipe, or what is in its place: the reports add up files by it.
    pub fn recipe(&self) -> &str {
        match self {
            Self::Recipe { recipe, .. } => recipe,
            Self::Site => "site",
            Self::Boot => "boot",
            Self::Root => "builder",
        }
    }

    /// The Debian package, if it is from one.
    pub fn package(&self) -> Option<&PackageId> {
        match self {
            Self::Recipe { source: Source::Package(id), .. } => Some(id),
            _ => None,
        }
    }

    /// Whether the site has a part in it, and with it perhaps a secret.
    pub fn has_site(&self) -> bool {
        matches!(self, Self::Site | Self::Root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        Origin::new("test", Source::Builder)
    }

    #[test]
    fn a_name_and_a_links_target_have_255_bytes_at_most() {
        assert!(!is_too_long(255) && is_too_long(256));
    }

    #[test]
    fn links_are_followed_as_the_kernel_follows_them() {
        let mut tree = Tree::default();
        for (path, node) in [
            ("/bin/busybox", Node::file(*b"x", 0o755, &origin())),
            ("/bin/sh", Node::symlink("busybox", &origin())),
            ("/sbin", Node::symlink("bin", &origin())),
            ("/etc/shell", Node::symlink("../sbin/sh", &origin())),
            ("/loop", Node::symlink("/loop", &origin())),
            ("/gone", Node::symlink("/nowhere", &origin())),
        ] {
            tree.add(path, node).unwrap();
        }
        for (path, end) in [
            ("/bin/sh", Ok("/bin/busybox")),
            ("/etc/shell", Ok("/bin/busybox")),
            ("/sbin/../bin/./sh", Ok("/bin/busybox")),
            ("/loop", Err("/loop")),
            ("/gone", Err("/nowhere")),
            ("/sbin/gone/deep", Err("/bin/gone")),
        ] {
            let resolved = tree.resolve(path);
            assert_eq!(resolved.as_deref().map_err(String::as_str), end, "{path}");
        }
    }

    #[test]
    fn two_files_of_one_name_are_refused_with_both_origins() {
        let mut tree = Tree::default();
        let id = PackageId { name: "ppp".into(), suite: "bookworm".into(), architecture: "armel".into() };
        let package = Origin::new("ppp", Source::Package(id));
        tree.add("/etc/ppp/options", Node::file(*b"a", 0o644, &package)).unwrap();
        let overlay = Origin::new("ppp", Source::Overlay);
        let error = tree.add("/etc/ppp/options", Node::file(*b"b", 0o644, &overlay)).unwrap_err().to_string();
        assert!(error.contains("package ppp") && error.contains("overlay/"), "{error}");
    }
}

//! What is in the image: every file with its origin, and every component that a file comes from or is linked with. The
//! list of files, the bills of materials (SBOM) and the licences are views of it.

pub mod bill;
pub mod component;
pub mod copyright;
mod cyclonedx;
pub mod licences;
pub mod list;
pub mod not_locked;
mod spdx;

use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

use super::{
    access,
    tree::{Origin, Tree},
};
use crate::{
    error::{Context, Result},
    parallel,
    task::{digest, hex},
};
use bill::Bill;

/// The owner of a file that no recipe gives to another one.
const ROOT: &str = "root:root";

/// Where in the image a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Place {
    /// On the root partition.
    Root,
    /// On the boot partition.
    Boot,
    /// In `initramfs.gz` on the boot partition.
    Initramfs,
}

/// A regular file of the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Where it is.
    pub place: Place,
    /// Absolute there.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// Permission bits.
    pub mode: u16,
    /// User and group: `root:root`.
    pub owner: String,
    /// Where it came from.
    pub origin: Origin,
    /// `None` if the site has a part in it: from the hash of a file with a short secret, a PIN for one, the secret can be
    /// found by trying. So a bill of materials can be given away.
    pub hashes: Option<Hashes>,
}

/// Hashes of a file, in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hashes {
    /// SPDX 2.3 asks for this one (§8.4).
    pub sha1: String,
    /// The one to rely on.
    pub sha256: String,
}

impl Place {
    /// What precedes the path where files of all places are listed together.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Root => "",
            Self::Boot => "boot:",
            Self::Initramfs => "initramfs:",
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Boot => "boot",
            Self::Initramfs => "initramfs",
        }
    }
}

impl File {
    /// Whose it is, unless it is root's, as nearly all files are.
    pub fn other_owner(&self) -> Option<&str> {
        Some(self.owner.as_str()).filter(|owner| *owner != ROOT)
    }

    /// `/bin/busybox`, `boot:/kernel.img`
    pub fn name(&self) -> String {
        format!("{}{}", self.place.prefix(), self.path)
    }
}

/// The regular files of a tree, by path.
pub fn files(place: Place, tree: &Tree) -> Result<Vec<File>> {
    let all: Vec<_> = tree.files().collect();
    parallel::map(parallel::processors(), &all, |(path, node, content)| {
        let hashes = || Hashes { sha1: hex(&Sha1::digest(content)), sha256: digest(content) };
        Ok(File {
            place,
            path: (*path).to_owned(),
            bytes: content.len() as u64,
            mode: node.mode,
            owner: access::owner_in(tree, node.owner),
            origin: node.origin.clone(),
            hashes: (!node.origin.has_site()).then(hashes),
        })
    })
}

/// Files as one task leaves them for another.
pub fn encode(files: &[File]) -> Result<Vec<u8>> {
    serde_json::to_vec(files).context(|| "cannot write the list of files".into())
}

/// Reads what [`encode`] has written.
pub fn decode(bytes: &[u8]) -> Result<Vec<File>> {
    serde_json::from_slice(bytes).context(|| "cannot read the list of files".into())
}

/// The bill as SPDX 2.3 and as CycloneDX 1.6, each as the ending of its file's name and its JSON.
pub fn documents(bill: &Bill) -> [(&'static str, String); 2] {
    [("spdx.json", spdx::write(bill)), ("cdx.json", cyclonedx::write(bill))]
}

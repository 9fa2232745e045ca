//! Which files lie on the boot partition, and who puts them there.

use std::{collections::BTreeMap, fs, sync::Arc};

use dialbox::card::boot_manifest::{BootFile, BootManifest};

use crate::{
    context::BuildContext,
    error::{Context, Error, Result},
    manifest::Recipe,
};

/// The initramfs, which the builder makes.
pub const INITRAMFS: &str = "initramfs.gz";
/// The site's text, which the builder copies.
pub const SITE: &str = "site.toml";

/// The names of the files in `image/boot/`, sorted; all of them go onto the partition.
pub fn own(ctx: &BuildContext) -> Result<Vec<String>> {
    let directory = ctx.image_dir().join("boot");
    let cannot = || format!("cannot read {}", ctx.short(&directory));
    let mut names = Vec::new();
    for entry in fs::read_dir(&directory).context(cannot)? {
        let entry = entry.context(cannot)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !entry.file_type().context(cannot)?.is_file() {
            return Err(Error::new(format!("image/boot/{name} is not a file"))
                .fact("the boot partition has one directory")
                .hint("remove it, or move its files up"));
        }
        names.push(name);
    }
    names.sort_unstable();
    Ok(names)
}

/// The hashes of all files but the site, which its owner may edit.
pub fn manifest(files: &BTreeMap<String, Arc<[u8]>>) -> Result<Vec<u8>> {
    let files = files.iter().filter(|(name, _)| *name != SITE);
    let files = files.map(|(name, content)| BootFile::new(name, content)).collect::<Option<_>>();
    let manifest = files.and_then(|files| BootManifest { files }.encode());
    manifest.ok_or_else(|| {
        Error::new("cannot write the manifest of the boot partition")
            .fact("names of up to 255 bytes and about 120 MiB of files fit into it")
            .hint("remove files from image/boot or from the recipes' `boot` tables")
    })
}

/// Refuses two files of one name. FAT does not distinguish upper and lower case.
pub fn check(ctx: &BuildContext, recipes: &[Recipe]) -> Result<()> {
    let ours = [INITRAMFS, SITE].map(|name| (name.to_owned(), "the builder".to_owned()));
    let own = own(ctx)?.into_iter().map(|name| (name, "image/boot".to_owned()));
    let packages = recipes.iter().flat_map(|recipe| {
        let names = recipe.packages.iter().flat_map(|package| package.boot.keys());
        names.map(|name| (name.clone(), format!("recipe `{}`", recipe.name)))
    });
    let mut owners = BTreeMap::new();
    for (name, owner) in ours.into_iter().chain(own).chain(packages) {
        if let Some(first) = owners.insert(name.to_lowercase(), owner.clone()) {
            return Err(Error::new(format!("two files of the boot partition have the name {name}"))
                .fact(format!("one comes from {first}, the other one from {owner}"))
                .hint("rename or remove one of the two"));
        }
    }
    Ok(())
}

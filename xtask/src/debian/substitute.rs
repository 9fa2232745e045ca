//! Packages in the place of locked ones that no mirror has any more.

use std::collections::BTreeSet;

use super::{
    archive::Archive,
    release::Age,
    resolve::{self, Recipes, Scope},
};
use crate::{
    context::BuildContext,
    error::{Error, Result},
    manifest::{LockedManifest, LockedPackage, PackageId, SourceId},
    version,
};

/// What is chosen again, and what stays as it is locked.
#[derive(Debug, PartialEq)]
struct Split {
    /// These are replaced.
    gone: Vec<LockedPackage>,
    /// All others.
    staying: Vec<LockedPackage>,
    /// The recipes that need one of those that are replaced.
    recipes: BTreeSet<String>,
}

impl Split {
    /// Packages of one source fit together in one version only, so none of them stays.
    fn new(locked: &[LockedPackage], gone: &[PackageId]) -> Self {
        let sources: BTreeSet<SourceId> =
            locked.iter().filter(|it| gone.contains(&it.id())).map(LockedPackage::source_id).collect();
        let (gone, staying): (Vec<_>, Vec<_>) =
            locked.iter().cloned().partition(|it| sources.contains(&it.source_id()));
        let recipes = gone.iter().flat_map(|it| it.recipes.clone()).collect();
        Self { gone, staying, recipes }
    }
}

/// Chooses again, from the signed indices, what the mirrors no longer have. Everything else stays as it is locked.
pub fn substitute(ctx: &BuildContext, locked: LockedManifest, gone: &[PackageId]) -> Result<LockedManifest> {
    let split = Split::new(&locked.for_the_image(), gone);
    let cannot = |error: Error| {
        let names: Vec<String> = gone.iter().map(ToString::to_string).collect();
        error
            .context(format!("no mirror has {} any more, and nothing can be taken instead", names.join(", ")))
    };
    let recipes = Recipes::Named(&split.recipes);
    let age = Age::NotOlderThan(locked.releases.clone());
    let choose = || {
        let archive = Archive::open(&locked.manifest, recipes, &age, ctx)?;
        let phase = ctx.progress.phase("resolve");
        let scope = Scope { recipes, locked: &split.staying };
        let chosen = resolve::resolve(&locked.manifest, &archive, &scope)?;
        split.gone.iter().try_for_each(|old| refuse_older(old, &chosen))?;
        phase.done(format!("{} packages", chosen.len()));
        Ok(chosen)
    };
    let chosen = choose().map_err(cannot)?;
    Ok(locked.with_substitutes(&split.recipes, chosen))
}

fn refuse_older(old: &LockedPackage, chosen: &[LockedPackage]) -> Result<()> {
    match chosen.iter().find(|it| it.id() == old.id()) {
        Some(new) if version::compare(&new.version, &old.version).is_lt() => {
            Err(Error::new(format!("the mirror has only the older version {} of {}", new.version, old.id()))
                .hint("use a mirror that is kept up to date (--mirror URL)"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, source: Option<&str>, recipes: &[&str]) -> LockedPackage {
        LockedPackage {
            name: name.into(),
            suite: "bookworm".into(),
            architecture: "armel".into(),
            version: "2".into(),
            path: format!("pool/{name}.deb"),
            size: 1,
            sha256: name.into(),
            source: source.map(str::to_owned),
            source_version: None,
            built_using: Vec::new(),
            recipes: recipes.iter().map(|it| (*it).to_owned()).collect(),
            libraries: Vec::new(),
        }
    }

    fn names(packages: &[LockedPackage]) -> Vec<&str> {
        packages.iter().map(|it| it.name.as_str()).collect()
    }

    #[test]
    fn what_was_built_from_the_same_source_is_chosen_again_too() {
        let locked = [
            package("busybox", None, &["base"]),
            package("iptables", None, &["firewall"]),
            package("libxtables12", Some("iptables"), &["firewall", "dial-in"]),
            package("ppp", None, &["ppp", "dial-in"]),
        ];
        let split = Split::new(&locked, &[locked[1].id()]);
        assert_eq!(names(&split.gone), ["iptables", "libxtables12"]);
        assert_eq!(names(&split.staying), ["busybox", "ppp"]);
        assert_eq!(split.recipes, ["dial-in", "firewall"].map(str::to_owned).into());
    }

    #[test]
    fn an_older_version_is_no_substitute() {
        let new = package("ppp", None, &["ppp"]);
        let old = LockedPackage { version: "2.1".into(), ..new.clone() };
        assert!(refuse_older(&old, std::slice::from_ref(&new)).is_err());
        assert!(refuse_older(&new, &[old]).is_ok());
        assert!(refuse_older(&new, &[]).is_ok());
    }
}

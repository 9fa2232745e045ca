//! The bill of materials: all components and all files, and which file belongs to which component.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    File,
    component::{Component, Kind, package_url},
    copyright::{self, Text},
};
use crate::{
    cross::crates::{self, Crate},
    debian::contents::Contents,
    error::Result,
    image::tree::Origin,
    manifest::{Layer, LockedManifest, PackageId},
    task::Output,
};

/// All of the image's materials.
#[derive(Debug)]
pub struct Bill {
    /// The image's name.
    pub name: String,
    /// Seconds since 1970: that of the image's time stamps.
    pub epoch: u64,
    /// By package URL.
    pub components: Vec<Component>,
    /// In order of place and path.
    pub files: Vec<File>,
    /// Debian package → its component's number.
    packages: BTreeMap<PackageId, usize>,
    project: usize,
    site: usize,
    /// Layer → its component's number.
    layers: BTreeMap<String, usize>,
}

/// What is linked into the device's programs, and this project's own texts.
#[derive(Debug)]
pub struct Own<'a> {
    /// The crates.
    pub crates: Vec<Crate>,
    /// The toolchain's packages, each with its copyright file: the standard library, musl, libgcc.
    pub toolchain: Vec<(PackageId, Text)>,
    /// The project's licences.
    pub licences: Vec<Text>,
    /// The layers, each with its licences.
    pub layers: Vec<(&'a Layer, Vec<Text>)>,
}

impl<'a> Own<'a> {
    /// What the task that lists the crates has left, and the project's licences.
    pub fn read(
        locked: &LockedManifest,
        crates: &Output,
        licences: Vec<Text>,
        layers: Vec<(&'a Layer, Vec<Text>)>,
    ) -> Result<Self> {
        let copyright = |id: &PackageId| {
            let bytes = crates::copyright_of(crates, id)?;
            Ok((id.clone(), Text::new(&id.name, "copyright", &bytes)))
        };
        let toolchain = crates::linked_packages(locked)?.into_iter().map(copyright).collect::<Result<_>>()?;
        Ok(Self { crates: crates::read(crates)?, toolchain, licences, layers })
    }
}

impl Bill {
    /// The materials of an image with these files.
    pub fn new(
        locked: &LockedManifest,
        packages: &BTreeMap<PackageId, Contents>,
        own: Own,
        mut files: Vec<File>,
    ) -> Result<Self> {
        files.sort_by(|one, other| (one.place, &one.path).cmp(&(other.place, &other.path)));
        let used: BTreeSet<&PackageId> = files.iter().filter_map(|it| it.origin.package()).collect();
        let kernels: BTreeSet<&PackageId> = locked
            .manifest
            .recipes
            .iter()
            .flat_map(|it| &it.packages)
            .filter(|it| it.kernel.is_some())
            .map(|it| &it.id)
            .collect();
        let mut components = Vec::new();
        for id in used {
            let package = locked.package(id)?;
            let kind = match (kernels.contains(id), package.is_named()) {
                (true, _) => Kind::Kernel,
                (_, true) => Kind::Application,
                (_, false) => Kind::Library,
            };
            components.push(Component::package(package, kind, copyright::of_package(packages, id)?, false));
        }
        for (id, text) in own.toolchain {
            components.push(Component::package(locked.package(&id)?, Kind::Library, text, true));
        }
        components.extend(own.crates.into_iter().map(Component::linked_crate));
        components.extend([Component::project(own.licences), Component::site()]);
        let mut layers = BTreeMap::new();
        for (layer, texts) in own.layers {
            let component = Component::layer(layer, texts);
            layers.insert(layer.name.clone(), component.purl.clone());
            components.push(component);
        }
        components.sort_by(|one, other| one.purl.cmp(&other.purl));
        let number = |purl: &str| components.iter().position(|it| it.purl == purl).unwrap_or_default();
        let numbers: Result<_> = files
            .iter()
            .filter_map(|it| it.origin.package())
            .map(|id| Ok((id.clone(), number(&package_url(locked.package(id)?)))))
            .collect();
        Ok(Self {
            name: locked.manifest.name.clone(),
            epoch: locked.epoch,
            packages: numbers?,
            project: number(&Component::project(Vec::new()).purl),
            site: number(&Component::site().purl),
            layers: layers.into_iter().map(|(name, purl)| (name, number(&purl))).collect(),
            components,
            files,
        })
    }

    /// The component that a file belongs to.
    pub fn component(&self, file: &File) -> &Component {
        let number = match &file.origin {
            Origin::Site => self.site,
            // Every package and every layer of a file was entered.
            origin => {
                let package = origin.package().and_then(|id| self.packages.get(id));
                let layer = origin.layer().and_then(|name| self.layers.get(name));
                package.or(layer).copied().unwrap_or(self.project)
            }
        };
        &self.components[number]
    }

    /// The files of a component.
    pub fn files_of<'a>(&'a self, component: &'a Component) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(move |file| std::ptr::eq(self.component(file), component))
    }

    /// What the device's programs are linked with.
    pub fn linked(&self) -> impl Iterator<Item = &Component> {
        self.components.iter().filter(|it| it.is_linked)
    }

    /// The component of this project.
    pub fn project(&self) -> &Component {
        &self.components[self.project]
    }
}

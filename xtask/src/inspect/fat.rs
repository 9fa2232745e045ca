//! The boot partition: its files, and where their bytes lie.

use std::{io, ops::Range, sync::Arc};

use dialbox::card::fat::{self, Geometry};

use super::region::Region;
use crate::{
    error::{Context, Error, Result},
    image::boot,
};

/// Files and regions, in bytes of the partition.
#[derive(Debug)]
pub struct Boot {
    /// Name and content.
    pub files: Vec<(String, Arc<[u8]>)>,
    /// Without what is unused.
    pub regions: Vec<(Range<usize>, Region)>,
}

impl Boot {
    /// Reads the partition.
    pub fn read(partition: &[u8]) -> Result<Self> {
        let damaged = || Error::new("the boot partition is not a FAT16 of a whole image");
        let sector = partition.first_chunk().ok_or_else(damaged)?;
        let geometry = Geometry::parse(sector, partition.len() as u64).ok_or_else(damaged)?;
        let range = |extent: &dialbox::card::replica::Extent| {
            let range = extent.at as usize..(extent.at + extent.length) as usize;
            (range.end <= partition.len()).then_some(range)
        };
        let (table, directory) = (range(&geometry.table), range(&geometry.directory));
        let (Some(table), Some(directory)) = (table, directory) else { return Err(damaged()) };
        let tables = table.start..table.start + table.len() * geometry.tables as usize;
        let entries = fat::files(&partition[directory.clone()]);
        let places = geometry.places(&partition[table], &entries);
        let files =
            contents(partition).context(|| "the files of the boot partition cannot be read".into())?;
        let mut regions = vec![
            (0..tables.start, Region::FatHeader),
            (tables, Region::FatTable),
            (directory, Region::FatDirectory),
        ];
        for (name, content) in &files {
            let number = entries.iter().position(|it| it.is_named(name));
            let place = number.and_then(|it| places[it].as_ref()).ok_or_else(damaged)?;
            let mut left = content.len();
            for extent in place {
                let length = left.min(extent.length as usize);
                left -= length;
                regions
                    .push((extent.at as usize..extent.at as usize + length, Region::BootFile(name.clone())));
            }
        }
        Ok(Self { files, regions })
    }
}

fn contents(partition: &[u8]) -> io::Result<Vec<(String, Arc<[u8]>)>> {
    let files = boot::read(partition)?.into_iter();
    files.map(|(name, content)| Ok((name, Arc::from(content?)))).collect()
}

//! The files of a plan that lie elsewhere, in the cache of remote sources.
//!
//! [`fetch_remote`] is the only function here that uses the network. Everything else sees what the cache has.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use cliptune_experiment::{Access, DataPlan, Location, RemoteAddress, TableFormat};
use cliptune_sources::{Fetched, Settings, Shown, Sources, Sparse, Wanted, held};
use cliptune_terminal::Printer;

use crate::error::{MissingImages, StoreError};
use crate::image_files::{Contents, FileNames, ImageFiles, is_table};
use crate::image_kinds::{Kinds, is_unread_name};
use crate::named_columns::NamedColumns;
use crate::packed::Packing;
use crate::parquet_parts::need;

/// How much of the files of a plan is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// What the plan's dataset is made from: of parquet tables, the columns that the plan reads.
    Needed,
    /// All of every file, for whoever looks at all columns.
    Whole,
}

/// What the files of a source are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Images,
    /// Images, or where there are none the archives and parquet files that may hold them.
    PackedImages,
    /// Images, and the table that lies with them.
    ImagesWithTable,
    Table,
}

impl Content {
    fn of_images(plan: &DataPlan) -> Self {
        match plan.metadata.format {
            TableFormat::Beside => Self::ImagesWithTable,
            _ => Self::Images,
        }
    }

    /// Returns what a source whose files are these may have instead. Only once all have been seen is it known that no image
    /// is among them.
    fn otherwise(self, found: &Fetched) -> Option<Self> {
        let is_nothing = || found.files.iter().all(|file| is_unread_name(file.relative.as_ref()));
        (self == Self::Images && is_nothing()).then_some(Self::PackedImages)
    }
}

/// Brings all files of a plan that lie elsewhere into the cache, and shows how far it is. Only what is missing or has
/// changed is fetched; offline, what is missing is an error. The fetch stops when the flag is set.
///
/// # Errors
/// Returns an error when a source cannot be reached, is not there, or misbehaves.
pub fn fetch_remote(
    plan: &DataPlan,
    extent: Extent,
    is_offline: bool,
    printer: &Printer,
    interrupted: &AtomicBool,
) -> Result<(), StoreError> {
    if !is_remote(plan) {
        return Ok(());
    }
    let mut settings = Settings::from_env()?;
    settings.offline |= is_offline;
    let (sources, access) = (Sources::new(settings)?, access(&plan.access));
    let shown = Shown::new(printer, interrupted);
    let columns = NamedColumns::of(plan);
    let needs = |file: &Sparse| need(file, &columns);
    for (address, content) in elsewhere(plan) {
        chosen(content, |content| {
            let is_wanted = |name: &str| is_wanted(plan, address, content, name);
            let wanted = match extent == Extent::Needed && is_read_in_parts(address, content, plan) {
                true => Wanted::parts(&is_wanted, &needs),
                false => Wanted::whole(&is_wanted),
            };
            Ok(sources.fetch(address.remote(), &access, wanted, &shown)?)
        })?;
    }
    Ok(())
}

/// Finds the files of a source by what they are, or else by what they may be instead.
fn chosen(
    content: Content,
    find: impl Fn(Content) -> Result<Fetched, StoreError>,
) -> Result<Fetched, StoreError> {
    let found = find(content)?;
    match content.otherwise(&found) {
        Some(content) => find(content),
        None => Ok(found),
    }
}

/// Checks whether only some parts of the files of a source are read. Images in them are read whole.
fn is_read_in_parts(address: &RemoteAddress, content: Content, plan: &DataPlan) -> bool {
    let is_image = |image: &Location| matches!(image, Location::Remote(image) if image == address);
    content == Content::Table
        && plan.metadata.format == TableFormat::Parquet
        && !plan.images.iter().any(is_image)
}

/// Checks whether any of a plan's files lie elsewhere.
pub fn is_remote(plan: &DataPlan) -> bool {
    elsewhere(plan).next().is_some()
}

fn elsewhere(plan: &DataPlan) -> impl Iterator<Item = (&RemoteAddress, Content)> {
    let tables = plan.metadata.locations.iter().map(|location| (location, Content::Table));
    let images = plan.images.iter().map(|location| (location, Content::of_images(plan)));
    tables.chain(images).filter_map(|(location, content)| match location {
        Location::Remote(address) => Some((address, content)),
        Location::Local(_) => None,
    })
}

/// Finds the images of a source in the cache, as they were when they were last fetched.
pub(crate) fn images(address: &RemoteAddress, plan: &DataPlan) -> Result<ImageFiles, StoreError> {
    let remote = address.remote();
    let is_folder = remote.is_in_bucket() && !remote.is_pattern();
    let (names, passed_over) = in_cache(address, plan, Content::of_images(plan))?;
    let is_named = |name: &String| remote.file_name().is_some_and(|own| own == name);
    let found = match is_folder && !names.relative.iter().any(is_named) {
        true => in_folder(names, passed_over, Kinds::of(plan)),
        false => ImageFiles::named(names, passed_over)?,
    };
    let missing = if is_folder { MissingImages::Folder } else { MissingImages::Glob };
    match found.names.relative.is_empty() {
        true => Err(StoreError::NoImages { path: address.to_string().into(), missing }),
        false => Ok(found),
    }
}

/// Returns the images of a remote folder as those of a local one.
fn in_folder(names: FileNames, passed_over: BTreeMap<String, u64>, kinds: Kinds) -> ImageFiles {
    let mut contents = Contents::default();
    names.relative.iter().for_each(|name| contents.add(PathBuf::from(name), kinds));
    contents.add_unread();
    let mut found = contents.images(names.folder, None);
    for (extension, files) in passed_over {
        *found.passed_over.entry(extension).or_default() += files;
    }
    found
}

/// Finds the files of a table in the cache, as they were when they were last fetched.
pub(crate) fn table(address: &RemoteAddress, plan: &DataPlan) -> Result<FileNames, StoreError> {
    match in_cache(address, plan, Content::Table)? {
        (names, _) if names.relative.is_empty() => {
            Err(StoreError::NoTable { path: address.to_string().into() })
        }
        (names, _) => Ok(names),
    }
}

/// Finds the files of a source in the cache, and counts its other files by their extensions.
fn in_cache(
    address: &RemoteAddress,
    plan: &DataPlan,
    content: Content,
) -> Result<(FileNames, BTreeMap<String, u64>), StoreError> {
    let columns = NamedColumns::of(plan);
    let needs = |file: &Sparse| need(file, &columns);
    let (settings, access) = (Settings::from_env()?, access(&plan.access));
    let Fetched { folder, files, passed_over } = chosen(content, |content| {
        let is_wanted = |name: &str| is_wanted(plan, address, content, name);
        let wanted = match is_read_in_parts(address, content, plan) {
            true => Wanted::parts(&is_wanted, &needs),
            false => Wanted::whole(&is_wanted),
        };
        Ok(held(&settings, address.remote(), &access, wanted)?)
    })?;
    let relative = files.into_iter().map(|file| file.relative).collect();
    Ok((FileNames::new(folder, relative), passed_over))
}

/// Checks whether a file of an address is one of its images, or a part of its table: what a pattern matches, the file
/// that is named, or, in a folder, what has the name of an image.
fn is_wanted(plan: &DataPlan, address: &RemoteAddress, content: Content, name: &str) -> bool {
    let remote = address.remote();
    let is_named = remote.file_name().is_some_and(|own| own == name);
    // The file of a web address may have escapes in its name, and is the only one.
    let is_only = !remote.is_in_bucket();
    let path = Path::new(name);
    let is_image = || Kinds::of(plan).have(path);
    let is_packed = || Packing::of(path).is_some();
    let is_in_folder = match content {
        Content::Images => is_image(),
        Content::PackedImages => is_image() || is_packed(),
        Content::ImagesWithTable => is_image() || is_packed() || is_table(path),
        Content::Table => false,
    };
    is_named || remote.is_pattern() || is_only || is_in_folder
}

fn access(access: &Access) -> cliptune_sources::Access {
    cliptune_sources::Access {
        anonymous: access.anonymous == Some(true),
        endpoint: access.endpoint.clone(),
        region: access.region.clone(),
        metadata_server: access.metadata_server,
    }
}

//! The files of a plan that lie elsewhere, in the cache of remote sources.
//!
//! [`fetch_remote`] is the only function here that uses the network. Everything else sees what the cache has.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use cliptune_experiment::{Access, DataPlan, Location, RemoteAddress};
use cliptune_sources::{Fetched, Settings, Shown, Sources, held};
use cliptune_terminal::Printer;

use crate::error::{MissingImages, StoreError};
use crate::image_files::{FileNames, ImageFiles, is_image};

/// What the files of a source are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Images,
    Table,
}

/// Brings all files of a plan that lie elsewhere into the cache, and shows how far it is. Only what is missing or has
/// changed is fetched; offline, what is missing is an error. The fetch stops when the flag is set.
///
/// # Errors
/// Returns an error when a source cannot be reached, is not there, or misbehaves.
pub fn fetch_remote(
    plan: &DataPlan,
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
    for (address, content) in elsewhere(plan) {
        sources.fetch(address.remote(), &access, &|name| is_wanted(address, content, name), &shown)?;
    }
    Ok(())
}

/// Checks whether any of a plan's files lie elsewhere.
pub fn is_remote(plan: &DataPlan) -> bool {
    elsewhere(plan).next().is_some()
}

fn elsewhere(plan: &DataPlan) -> impl Iterator<Item = (&RemoteAddress, Content)> {
    let tables = plan.metadata.locations.iter().map(|location| (location, Content::Table));
    let images = plan.images.iter().map(|location| (location, Content::Images));
    tables.chain(images).filter_map(|(location, content)| match location {
        Location::Remote(address) => Some((address, content)),
        Location::Local(_) => None,
    })
}

/// Finds the images of a source in the cache, as they were when they were last fetched.
pub(crate) fn images(address: &RemoteAddress, access: &Access) -> Result<ImageFiles, StoreError> {
    let missing = match address.remote().is_pattern() {
        true => MissingImages::Glob,
        false => MissingImages::Folder,
    };
    match in_cache(address, access, Content::Images)? {
        (names, _) if names.relative.is_empty() => {
            Err(StoreError::NoImages { path: address.to_string().into(), missing })
        }
        (names, passed_over) => Ok(ImageFiles { names, passed_over }),
    }
}

/// Finds the files of a table in the cache, as they were when they were last fetched.
pub(crate) fn table(address: &RemoteAddress, access: &Access) -> Result<FileNames, StoreError> {
    match in_cache(address, access, Content::Table)? {
        (names, _) if names.relative.is_empty() => {
            Err(StoreError::NoTable { path: address.to_string().into() })
        }
        (names, _) => Ok(names),
    }
}

/// Finds the files of a source in the cache, and counts its other files by their extensions.
fn in_cache(
    address: &RemoteAddress,
    access_of_plan: &Access,
    content: Content,
) -> Result<(FileNames, BTreeMap<String, u64>), StoreError> {
    let wanted = |name: &str| is_wanted(address, content, name);
    let Fetched { folder, files, passed_over } =
        held(&Settings::from_env()?, address.remote(), &access(access_of_plan), &wanted)?;
    let relative = files.into_iter().map(|file| file.relative).collect();
    Ok((FileNames { folder, relative }, passed_over))
}

/// Checks whether a file of an address is one of its images, or a part of its table: what a pattern matches, the file
/// that is named, or, in a folder, what has the name of an image.
fn is_wanted(address: &RemoteAddress, content: Content, name: &str) -> bool {
    let remote = address.remote();
    let is_named = remote.file_name().is_some_and(|own| own == name);
    // The file of a web address may have escapes in its name, and is the only one.
    let is_only = !remote.is_in_bucket();
    is_named || remote.is_pattern() || is_only || content == Content::Images && is_image(Path::new(name))
}

fn access(access: &Access) -> cliptune_sources::Access {
    cliptune_sources::Access {
        anonymous: access.anonymous == Some(true),
        endpoint: access.endpoint.clone(),
        region: access.region.clone(),
        metadata_server: access.metadata_server,
    }
}

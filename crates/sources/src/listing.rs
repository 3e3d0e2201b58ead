//! Finds out what an address holds.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::asking::Asking;
use crate::checksums::Checksums;
use crate::error::{Result, SourceError};
use crate::remote::Remote;
use crate::{glob, name};

/// The most objects that are listed; a listing that goes on is taken for one without an end.
const MOST: usize = 20_000_000;

/// The most pages without an object that are read in a row. Stores give some after many deletions.
const EMPTY_PAGES: usize = 1_000;

/// One object, as the place describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Object {
    /// The name in the bucket; in a [`Listing`], the path below its folder.
    pub(crate) name: String,
    pub(crate) size: u64,
    /// The generation, ETag or date: whatever changes with the content.
    pub(crate) version: String,
    /// When the store last changed it, in seconds since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) modified: Option<i64>,
    #[serde(default)]
    pub(crate) checksums: Checksums,
}

/// A part of a listing.
pub(crate) struct Page {
    pub(crate) objects: Vec<Object>,
    /// What the next page is asked for with.
    pub(crate) next: Option<String>,
}

/// What an address holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listing {
    /// The part of the names before a pattern or the last part, without a slash at its end.
    pub(crate) folder: String,
    /// The objects in the order of their names, which are relative to the folder.
    pub(crate) objects: Vec<Object>,
}

/// Lists what an address holds: one object, all below a folder, or what a pattern matches. What cannot be listed is called by
/// that address.
pub(crate) fn list(asking: &Asking<'_>, remote: &Remote) -> Result<Listing> {
    found(asking, remote).map_err(|error| error.about(&remote.to_string()))
}

fn found(asking: &Asking<'_>, remote: &Remote) -> Result<Listing> {
    if remote.is_pattern() {
        return matching(asking, remote);
    }
    if !remote.is_in_bucket() {
        return Ok(single(remote, asking.describe(&remote.key())?));
    }
    if remote.path.is_empty() || remote.path.ends_with('/') {
        return below(asking, remote);
    }
    match asking.describe(&remote.key()) {
        Ok(object) => Ok(single(remote, object)),
        // What has no object of that very name may be a folder. Some stores do not tell strangers.
        Err(error) if error.is_absent_or_denied() => below(asking, remote).map_err(|second| {
            let is_hidden = error.is_denied() && matches!(second, SourceError::Absent { .. });
            if is_hidden { error } else { second }
        }),
        Err(error) => Err(error),
    }
}

fn single(remote: &Remote, object: Object) -> Listing {
    let (folder, name) = remote.split();
    let folder = match &remote.query {
        // Two queries of one path are two files.
        Some(query) => format!("{folder}/~{}", &blake3::hash(query.as_bytes()).to_hex()[..8]),
        None => folder,
    };
    Listing { folder: folder.trim_start_matches('/').to_owned(), objects: vec![Object { name, ..object }] }
}

fn below(asking: &Asking<'_>, remote: &Remote) -> Result<Listing> {
    let folder = remote.key();
    let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let objects = all(asking, remote, &prefix, &prefix, &|_| true)?;
    match objects.is_empty() {
        true => Err(SourceError::Absent { address: remote.to_string(), code: String::new() }),
        false => Ok(Listing { folder, objects }),
    }
}

fn matching(asking: &Asking<'_>, remote: &Remote) -> Result<Listing> {
    let (folder, pattern) = remote.split();
    let matcher = glob::matcher(&pattern)
        .map_err(|error| SourceError::Address { address: remote.to_string(), reason: error.to_string() })?;
    let folder_prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let prefix = format!("{folder_prefix}{}", glob::literal(&pattern));
    let objects = all(asking, remote, &prefix, &folder_prefix, &|name| matcher.is_match(name))?;
    match objects.is_empty() {
        true => Err(SourceError::Absent { address: remote.to_string(), code: String::new() }),
        false => Ok(Listing { folder, objects }),
    }
}

/// Lists all objects whose names start with `prefix`, by their names below `folder`. As in local folders, names that
/// start with a dot are skipped.
fn all(
    asking: &Asking<'_>,
    remote: &Remote,
    prefix: &str,
    folder: &str,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Vec<Object>> {
    let fault = |reason: &str| SourceError::Answer { address: remote.to_string(), reason: reason.to_owned() };
    let (mut objects, mut token, mut seen, mut empty) = (Vec::new(), None, HashSet::new(), 0);
    loop {
        let page = asking.page(prefix, token.as_deref())?;
        empty = if page.objects.is_empty() { empty + 1 } else { 0 };
        for object in page.objects {
            let below =
                object.name.strip_prefix(folder).ok_or_else(|| fault("it lists what was not asked for"))?;
            // Tools that show folders make empty objects for them.
            let is_marker = below.is_empty() || (below.ends_with('/') && object.size == 0);
            if !is_marker && !name::is_hidden(below) && wanted(below) {
                objects.push(Object { name: below.to_owned(), ..object });
            }
        }
        match page.next {
            None => break,
            Some(_) if objects.len() > MOST || empty > EMPTY_PAGES => return Err(fault("it does not end")),
            Some(next) if !seen.insert(blake3::hash(next.as_bytes())) => {
                return Err(fault("it goes in circles"));
            }
            Some(next) => token = Some(next),
        }
    }
    objects.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    match objects.windows(2).any(|pair| pair[0].name == pair[1].name) {
        true => Err(fault("it lists an object twice")),
        false => Ok(objects),
    }
}

/// Checks that objects can be files side by side in one folder.
pub(crate) fn check_names(remote: &Remote, objects: &[&Object]) -> Result<()> {
    let fault = |name: &str, reason| {
        Err(SourceError::Name { address: remote.to_string(), name: name.to_owned(), reason })
    };
    let names: HashSet<&str> = objects.iter().map(|object| object.name.as_str()).collect();
    for object in objects {
        if let Some(reason) = name::fault(&object.name) {
            return fault(&object.name, reason);
        }
        let slashes = object.name.match_indices('/');
        if let Some(parent) = slashes.map(|(at, _)| &object.name[..at]).find(|parent| names.contains(parent))
        {
            return fault(parent, "other objects lie below it");
        }
    }
    Ok(())
}

/// Returns two names that differ only in case, which some file systems do not tell apart.
pub(crate) fn alike<'a>(objects: &[&'a Object]) -> Option<&'a str> {
    let mut seen = HashSet::new();
    objects.iter().map(|object| object.name.as_str()).find(|name| !seen.insert(name.to_lowercase()))
}

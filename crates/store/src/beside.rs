//! Tables that lie with the images: in their archives, in their parquet files, or in a file in their folder.

use cliptune_experiment::Location;

use crate::error::StoreError;
use crate::image_files::{Beside, FileNames, Found, tables_below};
use crate::inputs::TableLayout;
use crate::packed::{Packing, TarArchive, is_text_name};

/// The files of each source's table.
type Tables<'a> = Vec<(&'a Location, FileNames)>;

/// Finds the tables of all sources. They lie with their images in one way.
pub(crate) fn tables<'a>(images: &[(&'a Location, Found)]) -> Result<(TableLayout, Tables<'a>), StoreError> {
    let mut tables = Vec::new();
    let mut layouts = Vec::new();
    for (source, found) in images {
        let missing = || StoreError::NoTableBeside { path: source.to_string().into() };
        let (layout, files) = table(source, found)?.ok_or_else(missing)?;
        tables.push((*source, files));
        layouts.push(layout);
        if layouts[0] != layout {
            return Err(missing());
        }
    }
    Ok((layouts.first().copied().unwrap_or(TableLayout::Plain), tables))
}

fn table(source: &Location, found: &Found) -> Result<Option<(TableLayout, FileNames)>, StoreError> {
    let (folder, Beside { named, tables }) = (found.folder(), found.beside());
    let packing = |name: &&str| Packing::of(name.as_ref()).filter(|_| folder.join(name).is_file());
    let packings: Vec<Option<Packing>> = named.iter().map(packing).collect();
    let layout = match packings.first().copied().flatten() {
        Some(Packing::Tar) => TableLayout::Archives,
        Some(Packing::Parquet) => TableLayout::Rows,
        None => TableLayout::Folders,
    };
    if packings.iter().any(|packing| *packing != packings[0]) {
        return Ok(None);
    }
    let relative = match layout {
        TableLayout::Folders if tables.is_empty() && source.local().is_some_and(|path| !path.is_dir()) => {
            tables_below(folder)?
        }
        TableLayout::Folders => owned(&tables),
        _ => owned(&named),
    };
    let endings: Vec<&str> = relative.iter().filter_map(|name| name.rsplit('.').next()).collect();
    let is_one_kind = layout != TableLayout::Folders || endings.iter().all(|ending| *ending == endings[0]);
    let is_there = !relative.is_empty() && is_one_kind;
    Ok(is_there.then(|| (layout, FileNames::new(folder.to_path_buf(), relative))))
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// What a table is known by.
pub(crate) struct Contents {
    /// What it is known by its content.
    pub(crate) hashed: FileNames,
    /// What it is known by its name alone.
    pub(crate) named: Vec<String>,
}

/// Returns what a table is known by: its files, or the texts in its archives. Of the images in them it has the names.
pub(crate) fn contents(layout: TableLayout, files: &FileNames) -> Result<Contents, StoreError> {
    if layout != TableLayout::Archives {
        return Ok(Contents { hashed: files.clone(), named: Vec::new() });
    }
    let (mut relative, mut named) = (Vec::new(), Vec::new());
    for name in &files.relative {
        for member in TarArchive::open(&files.folder.join(name))?.members() {
            let known = if is_text_name(member.name()) { &mut relative } else { &mut named };
            known.push(format!("{name}/{}", member.name()));
        }
    }
    Ok(Contents { hashed: FileNames::new(files.folder.clone(), relative), named })
}

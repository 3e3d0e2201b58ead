//! Removes runs whose records cannot be read, as whole folders.

use std::path::PathBuf;

use cliptune_store::{Family, Space, Store, StoreError, StoreLock, labels_in};
use cliptune_terminal::Printer;

use super::{Going, pinned, without};
use crate::error::{CliError, NameError};
use crate::removal::{Removed, reasons};

/// The folder of a run whose record cannot be read, with the error.
pub(super) type Damaged = (PathBuf, StoreError);

/// Returns the one damaged run that a name can stand for. `error` is what was said about runs that can be read.
pub(super) fn the_only(
    store: &Store,
    name: &str,
    weights: bool,
    error: CliError,
) -> Result<Damaged, CliError> {
    if !matches!(error, CliError::Name(NameError::NoRun { .. })) {
        return Err(error);
    }
    let mut found = store.damaged_named(name)?;
    match found.len() {
        0 => Err(error),
        // Which files of it are weights is in its record.
        1 if weights => Err(found.swap_remove(0).1.into()),
        1 => Ok(found.swap_remove(0)),
        _ => {
            let runs = found.iter().map(|(folder, _)| store.id_of(folder)).collect();
            Err(NameError::AmbiguousRun { name: name.to_owned(), runs }.into())
        }
    }
}

/// Looks up what depends on the run, as far as the records of others tell.
pub(super) fn going(
    store: &Store,
    (folder, error): Damaged,
    family: &Family<'_>,
    goes_too: &dyn Fn(&str) -> bool,
) -> Result<Going<Damaged>, CliError> {
    let name = store.id_of(&folder);
    let dependents = without(family.dependents_of(&name)?, goes_too);
    let why = reasons(&dependents).into_iter().chain(pinned(labels_in(&folder))).collect();
    let bytes = Space::of([folder.as_path()])?;
    let removed = Removed { kind: "damaged run", name, bytes, dependents: Some(dependents) };
    Ok(Going { removed, what: (folder, error), reasons: why })
}

pub(super) fn announce(going: &[Going<Damaged>], printer: &Printer) {
    for one in going {
        one.announce(printer);
        printer.status(&format!("{}: {}", one.removed.name, one.what.1.in_one_line()));
    }
}

pub(super) fn remove(
    store: &Store,
    lock: &StoreLock,
    going: Going<Damaged>,
    printer: &Printer,
) -> Result<Removed, CliError> {
    let Going { what: (folder, _), removed, .. } = going;
    store.trash_damaged_run(lock, &folder)?;
    printer.status(&format!(
        "{0}: its whole folder is in the trash; `cliptune restore {0}` brings it back as it was",
        removed.name
    ));
    Ok(removed)
}

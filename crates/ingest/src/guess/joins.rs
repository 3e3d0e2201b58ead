//! Which column names the images, as an ingest finds it where nobody says.

use std::collections::HashSet;

use cliptune_experiment::{DataPlan, ImageKey, Join, TableFormat};
use cliptune_propose::{Guess, Guesses};
use cliptune_store::{FoundJoin, Inputs};
use cliptune_terminal::format::{count, counted};

use crate::database::Database;
use crate::error::{GuessError, IngestError, JoinError};
use crate::pipeline;
use crate::table::Table;

/// Guesses how the table and the images join. Of a table that lies with the images there is nothing to guess.
pub(super) fn guess(
    database: &Database,
    sources: &DataPlan,
    table: &Table,
) -> Result<Guesses<Join>, IngestError> {
    if sources.join.is_some() {
        return Ok(Guesses::default());
    }
    let found = match pipeline::find_join(database, table) {
        Ok(found) => vec![found],
        Err(IngestError::Join(JoinError::Ambiguous { candidates, .. })) => candidates,
        Err(IngestError::Join(JoinError::NotFound { below: Some(sql), .. })) => {
            let join = Join { image: ImageKey::Name, metadata: sql };
            return Ok(Guesses::first_of(vec![Guess::new(
                join,
                "the file names of images are at the end of its values",
            )]));
        }
        Err(error @ IngestError::Join(_)) => return Err(GuessError::ForNew(Box::new(error)).into()),
        Err(error) => return Err(error),
    };
    Ok(Guesses::first_of(found.into_iter().map(reasoned).collect()))
}

/// Makes sure that the first line of comma-separated text is a header. One that names an image is a row, and would be lost.
pub(super) fn expect_header(sources: &DataPlan, table: &Table, inputs: &Inputs) -> Result<(), IngestError> {
    if sources.metadata.format != TableFormat::Csv {
        return Ok(());
    }
    let names = table.names();
    // A name without a point may be both: a column `image`, and an image without an ending.
    let named: HashSet<&str> =
        names.iter().map(|name| file_name(name)).filter(|name| name.contains('.')).collect();
    let mut paths = inputs.images.iter().map(|image| &*image.relative);
    match paths.find(|path| named.contains(file_name(path))) {
        Some(image) => Err(GuessError::NoHeader { path: table.path.clone(), image: image.to_owned() }.into()),
        None => Ok(()),
    }
}

/// Returns what is behind the last separator of a path, be it one of Windows.
fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// Returns what an experiment says of the images in a row: the key of the row in the join.
pub(super) fn key<'a>(sources: &'a DataPlan, join: &'a Guesses<Join>) -> Option<&'a str> {
    let join = join.taken().map(|guess| &guess.value).or(sources.join.as_ref());
    join.map(|join| join.metadata.as_str())
}

fn reasoned(found: FoundJoin) -> Guess<Join> {
    let form = match found.join.image {
        ImageKey::Path => "the paths of images",
        ImageKey::Stem => "the file names of images without their endings",
        ImageKey::Name | ImageKey::Sql(_) => "the file names of images",
    };
    let why = format!(
        "the values of `{}` are {form}: {} of {} name {} of {}",
        found.join.metadata,
        count(found.rows_matched),
        counted(found.rows, "row"),
        count(found.images_matched),
        counted(found.images, "image"),
    );
    Guess::new(found.join, why)
}

//! Which column names the images, as an ingest finds it where nobody says.

use cliptune_experiment::{DataPlan, ImageKey, Join};
use cliptune_propose::{Guess, Guesses};
use cliptune_store::FoundJoin;
use cliptune_terminal::format::{count, counted};

use crate::database::Database;
use crate::error::IngestError;
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
        Err(IngestError::JoinAmbiguous { candidates, .. }) => candidates,
        Err(IngestError::JoinNotFound { below: Some(sql), .. }) => {
            let join = Join { image: ImageKey::Name, metadata: sql };
            return Ok(Guesses::first_of(vec![Guess::new(
                join,
                "the file names of images are at the end of its values",
            )]));
        }
        Err(error) => return Err(error),
    };
    Ok(Guesses::first_of(found.into_iter().map(reasoned).collect()))
}

/// Returns what an experiment says of the images in a row: the key of the row in the join.
pub(super) fn key<'a>(sources: &'a DataPlan, join: &'a Guesses<Join>) -> Option<&'a str> {
    let join = join.taken().map(|guess| &guess.value).or(sources.join.as_ref());
    join.map(|join| join.metadata.as_str())
}

fn reasoned(found: FoundJoin) -> Guess<Join> {
    let form = match found.join.image {
        ImageKey::Path => "the paths",
        ImageKey::Stem => "the file names without their endings",
        ImageKey::Name | ImageKey::Sql(_) => "the file names",
    };
    let why = format!(
        "the values of `{}` are {form} of images: {} of {} name {} of {}",
        found.join.metadata,
        count(found.rows_matched),
        counted(found.rows, "row"),
        count(found.images_matched),
        counted(found.images, "image"),
    );
    Guess::new(found.join, why)
}

//! Decides which of several columns is the one whose values name the images.

use cliptune_experiment::ImageKey;
use cliptune_store::FoundJoin;

use crate::database::Database;
use crate::error::IngestError;
use crate::table::TABLE;

/// How many times as much a form without extensions has to match as the best one with extensions, to count beside it. A
/// number is soon the stem of some image, and `7.png` is no image's name by chance.
const LOOSER: u128 = 4;

/// A column and a form in which values of it name images.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) found: FoundJoin,
    /// The SQL of the values as texts.
    pub(super) sql: String,
}

/// What is decided about candidates.
pub(super) enum Choice {
    /// This one is meant.
    Of(FoundJoin),
    /// Any of these could be meant, and it makes a difference which.
    Between(Vec<FoundJoin>),
    /// None of them is likely to be meant.
    Nothing,
}

impl Candidate {
    /// Checks whether most values of the column name images, or most images are named.
    pub(super) fn is_likely(&self) -> bool {
        let found = &self.found;
        2 * found.rows_matched >= found.rows || 2 * found.images_matched >= found.images
    }

    /// Returns how much it matches. Rows alone would not do: a column of covers names an image in every row, and few of
    /// the images.
    fn extent(&self) -> u128 {
        u128::from(self.found.rows_matched) * u128::from(self.found.images_matched)
    }

    fn is_whole(&self) -> bool {
        self.found.join.image != ImageKey::Stem
    }

    /// Checks whether it matches at least half of the rows and of the images that another one does.
    fn rivals(&self, best: &Self) -> bool {
        2 * self.found.rows_matched >= best.found.rows_matched
            && 2 * self.found.images_matched >= best.found.images_matched
    }

    /// Returns the column of `image_names` with the image that a value means.
    fn form(&self) -> &'static str {
        match self.found.join.image {
            ImageKey::Path => "by_path",
            ImageKey::Stem => "by_stem",
            ImageKey::Name | ImageKey::Sql(_) => "by_name",
        }
    }

    /// Checks whether there is a row in which two columns name different images.
    fn differs(&self, other: &Self, database: &Database) -> Result<bool, IngestError> {
        let different: u64 = database.row(&format!(
            "SELECT CAST(count(*) AS VARCHAR) FROM (SELECT {} AS one, {} AS other FROM {TABLE}) AS given
             JOIN image_names AS one ON one.name = given.one JOIN image_names AS other ON other.name = given.other
             WHERE one.{} <> other.{}",
            self.sql,
            other.sql,
            self.form(),
            other.form()
        ))?;
        Ok(different > 0)
    }
}

/// Chooses between candidates, which are in the order of the table's columns.
pub(super) fn choose(database: &Database, candidates: &[Candidate]) -> Result<Choice, IngestError> {
    let likely = || candidates.iter().filter(|candidate| candidate.is_likely());
    let whole = best(likely().filter(|candidate| candidate.is_whole()));
    let Some(mut chosen) = best(likely()) else { return Ok(Choice::Nothing) };
    let mut field: Vec<&Candidate> = likely().collect();
    if let Some(whole) = whole.filter(|whole| LOOSER * whole.extent() >= chosen.extent()) {
        chosen = whole;
        field.retain(|candidate| candidate.is_whole());
    }
    let mut meant = vec![chosen.found.clone()];
    for rival in field.into_iter().filter(|rival| rival.rivals(chosen)) {
        if rival.differs(chosen, database)? {
            meant.push(rival.found.clone());
        }
    }
    Ok(match meant.len() {
        1 => Choice::Of(meant.swap_remove(0)),
        _ => Choice::Between(meant),
    })
}

/// Returns the candidate that matches most; of equal ones the first.
fn best<'a>(candidates: impl Iterator<Item = &'a Candidate>) -> Option<&'a Candidate> {
    candidates.reduce(|best, next| if next.extent() > best.extent() { next } else { best })
}

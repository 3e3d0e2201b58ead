//! Checks that as much of the sources arrives in a dataset as the plan asks for.

use cliptune_experiment::{Fraction, Require};
use cliptune_store::{DatasetRecord, Reason};
use cliptune_terminal::format::{agreed, count, counted};

use crate::error::IngestError;

/// What is said of one image or row, and of several.
const HAVE_ROW: [&str; 2] = ["has a row", "have a row"];
const HAVE_IMAGE: [&str; 2] = ["has an image", "have an image"];
const REJECTED: [&str; 2] = ["is rejected", "are rejected"];

/// Checks what became of the sources of a dataset.
///
/// # Errors
///
/// Returns an error with the numbers when less arrives than the plan asks for.
pub(crate) fn check(require: &Require, record: &DatasetRecord) -> Result<(), IngestError> {
    let join = &record.join;
    let rejected = |is_image: bool| -> u64 {
        let of_side = record.rejects.iter().filter(|(reason, _)| is_of_image(reason) == is_image);
        of_side.map(|(_, number)| number).sum()
    };
    let checks = [
        (require.matched_images, Bound::Least, HAVE_ROW, join.images_matched, join.images, "image"),
        (require.matched_rows, Bound::Least, HAVE_IMAGE, join.rows_matched, join.rows, "row"),
        (require.rejected_images, Bound::Most, REJECTED, rejected(true), join.images, "image"),
        (require.rejected_rows, Bound::Most, REJECTED, rejected(false), join.rows, "row"),
    ];
    let unmet = checks.into_iter().filter_map(|(wanted, bound, [one, several], part, whole, noun)| {
        let wanted = wanted.filter(|wanted| !bound.holds(*wanted, part, whole))?;
        Some(format!(
            "{} of {} {} ({}) instead of {} {}",
            count(part),
            counted(whole, noun),
            agreed(part, one, several),
            percent(part as f64 / whole.max(1) as f64),
            bound.words(),
            percent(wanted.get())
        ))
    });
    let unmet: Vec<String> = unmet.collect();
    if unmet.is_empty() { Ok(()) } else { Err(IngestError::Coverage { unmet }) }
}

fn is_of_image(reason: &str) -> bool {
    [Reason::ImageWithoutRow, Reason::ImageKeyAmbiguous, Reason::ImageUnreadable]
        .iter()
        .any(|own| own.as_str() == reason)
}

/// Formats a share with as many digits as tell it from a bound that it misses.
fn percent(share: f64) -> String {
    let percent = format!("{:.2}", 100.0 * share);
    format!("{} %", percent.trim_end_matches('0').trim_end_matches('.'))
}

/// The side from which a share is bounded.
#[derive(Clone, Copy)]
enum Bound {
    Least,
    Most,
}

impl Bound {
    fn holds(self, wanted: Fraction, part: u64, whole: u64) -> bool {
        let (part, bound) = (part as f64, wanted.get() * whole as f64);
        match self {
            Self::Least => part >= bound - ROUNDING,
            Self::Most => part <= bound + ROUNDING,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Least => "at least",
            Self::Most => "at most",
        }
    }
}

/// The tolerance for rounding errors in a share of a number of images or rows.
const ROUNDING: f64 = 1e-6;

//! `data.require`: how much of the sources has to arrive in the dataset.

use crate::language::options;
use crate::values::Fraction;

options! {
    /// `data.require`: how much of the sources has to arrive in the dataset. It is no part of a dataset's identity.
    #[derive(Default)]
    pub struct Require {
        /// The least share of the images that have a row.
        matched_images: Option<Fraction>;
        /// The least share of the rows that have an image.
        matched_rows: Option<Fraction>;
        /// The largest share of the images that may be rejected for any reason.
        rejected_images: Option<Fraction>;
        /// The largest share of the rows that may be rejected for any reason.
        rejected_rows: Option<Fraction>;
    }
}

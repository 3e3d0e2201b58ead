//! `data.sample`: a few rows instead of all.

use crate::language::options;
use crate::shape::Shape;
use crate::values::Seed;

options! {
    /// `data.sample`: takes a few of the rows that have an image and that `where` keeps. The rows that were not drawn are left
    /// out, as if `where` did.
    #[derive(Copy)]
    pub struct Sample {
        /// The number of rows. All are taken where there are fewer.
        rows: u32, Shape::Whole { min: 1, max: u32::MAX as i64 };
        /// The seed of the draw. The number of a row in its table decides its luck.
        seed: Seed = "0";
    }
}

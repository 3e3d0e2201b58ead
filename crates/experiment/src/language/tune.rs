//! `train.tune`: which weights move.

use super::words::{Vocabulary, Word};
use crate::plan::{LogitScale, Tune};
use crate::yaml::Node;

impl Vocabulary for Tune {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("full", Self::Full, "all weights"),
        (
            "locked-image",
            Self::LockedImage { unlocked_layers: 0 },
            "all but the vision tower's, its projection included",
        ),
        (
            "locked-text",
            Self::LockedText { unlocked_layers: 0 },
            "all but the text tower's, its projection included",
        ),
        ("projections", Self::Projections, "the two projections and logit_scale"),
    ];
    const PLANNED: &'static [&'static str] = &["lora"];
}

impl Vocabulary for LogitScale {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("learned", Self::Learned, "trained; CLIP's is kept between 0 and ln 100"),
        ("fixed", Self::Fixed, "as the starting point has it"),
    ];
}

/// Reads which weights move.
pub(super) fn decode(node: &Node) -> Option<Tune> {
    Some(node.read::<Word<Tune>>("tune")?.0)
}

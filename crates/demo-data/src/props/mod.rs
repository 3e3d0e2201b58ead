//! The props. Every prop stands on (0, 0) and is about 100 units high.

mod household;
mod outings;

use crate::sketch::Sketch;

/// The prop beside the character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Prop {
    /// A ship's anchor made of iron.
    Anchor,
    /// A balloon on a string.
    Balloon,
    /// An open umbrella.
    Umbrella,
    /// A giant alarm clock.
    Clock,
    /// A telephone with a dial.
    Telephone,
    /// A stepladder.
    Ladder,
    /// A cup with two handles.
    Trophy,
    /// A cake with candles.
    Cake,
    /// A standard lamp.
    Lamp,
    /// A grand piano.
    Piano,
    /// A chainsaw with teeth.
    Chainsaw,
    /// A briefcase for papers.
    Briefcase,
}

impl Prop {
    /// All props.
    pub(crate) const ALL: [Self; 12] = [
        Self::Anchor,
        Self::Balloon,
        Self::Umbrella,
        Self::Clock,
        Self::Telephone,
        Self::Ladder,
        Self::Trophy,
        Self::Cake,
        Self::Lamp,
        Self::Piano,
        Self::Chainsaw,
        Self::Briefcase,
    ];

    pub(crate) fn draw(self, sketch: &mut Sketch) {
        match self {
            Self::Anchor => outings::anchor(sketch),
            Self::Balloon => outings::balloon(sketch),
            Self::Umbrella => outings::umbrella(sketch),
            Self::Clock => household::clock(sketch),
            Self::Telephone => household::telephone(sketch),
            Self::Ladder => outings::ladder(sketch),
            Self::Trophy => outings::trophy(sketch),
            Self::Cake => household::cake(sketch),
            Self::Lamp => household::lamp(sketch),
            Self::Piano => household::piano(sketch),
            Self::Chainsaw => outings::chainsaw(sketch),
            Self::Briefcase => outings::briefcase(sketch),
        }
    }

    /// Returns the prop's height relative to other props. Flat things are drawn smaller so that they do not become too
    /// wide.
    pub(crate) fn stature(self) -> f32 {
        match self {
            Self::Ladder | Self::Lamp => 1.3,
            Self::Balloon => 1.2,
            Self::Umbrella | Self::Cake => 1.05,
            Self::Telephone => 0.9,
            Self::Chainsaw => 0.85,
            _ => 1.0,
        }
    }

    /// Returns how far the prop reaches to either side when it is 100 units high.
    pub(crate) fn reach(self) -> f32 {
        match self {
            Self::Balloon => 32.0,
            Self::Chainsaw => 82.0,
            Self::Clock | Self::Ladder => 46.0,
            Self::Piano => 66.0,
            _ => 60.0,
        }
    }
}

//! The places. A place fills the sheet, 133 units wide and 100 high, and decides where character and prop stand in it.

mod indoors;
mod offices;
mod outdoors;

use crate::curve::Point;
use crate::sketch::Sketch;

/// The place where the picture is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Setting {
    /// A desert island with one palm tree.
    DesertIsland,
    /// An office with a desk, a screen and a chart.
    Office,
    /// A living room with a couch under a picture.
    LivingRoom,
    /// A bar with a counter under bottles.
    Bar,
    /// A hospital room with a bed and a drip.
    Hospital,
    /// A mountain top above the clouds.
    MountainTop,
    /// A courtroom with the judge's bench and columns.
    Courtroom,
    /// A bathroom with a tub, tiles and foam.
    Bathroom,
    /// A boat under sail.
    Boat,
    /// The moon, with craters under a black sky.
    Moon,
}

/// The positions and heights of the figures in a place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stage {
    /// The point under the character's feet.
    pub(crate) feet: Point,
    /// The character's height.
    pub(crate) height: f32,
    /// The point under the prop.
    pub(crate) prop: Point,
    /// The prop's height.
    pub(crate) prop_height: f32,
}

impl Setting {
    /// All places.
    pub(crate) const ALL: [Self; 10] = [
        Self::DesertIsland,
        Self::Office,
        Self::LivingRoom,
        Self::Bar,
        Self::Hospital,
        Self::MountainTop,
        Self::Courtroom,
        Self::Bathroom,
        Self::Boat,
        Self::Moon,
    ];

    /// Draws what lies behind the character and the prop.
    pub(crate) fn draw_behind(self, sketch: &mut Sketch) {
        match self {
            Self::DesertIsland => outdoors::desert_island(sketch),
            Self::Office => offices::office(sketch),
            Self::LivingRoom => indoors::living_room(sketch),
            Self::Bar => indoors::bar(sketch),
            Self::Hospital => offices::hospital(sketch),
            Self::MountainTop => outdoors::mountain_top(sketch),
            Self::Courtroom => offices::courtroom(sketch),
            Self::Bathroom => indoors::bathroom(sketch),
            Self::Boat => outdoors::boat(sketch),
            Self::Moon => outdoors::moon(sketch),
        }
    }

    /// Draws what covers the character's feet.
    pub(crate) fn draw_before(self, sketch: &mut Sketch) {
        match self {
            Self::Office => offices::desk(sketch),
            Self::Bar => indoors::counter(sketch),
            Self::Hospital => offices::bed(sketch),
            Self::Courtroom => offices::bench(sketch),
            Self::Bathroom => indoors::tub(sketch),
            Self::Boat => outdoors::hull(sketch),
            Self::DesertIsland | Self::LivingRoom | Self::MountainTop | Self::Moon => {}
        }
    }

    pub(crate) fn stage(self) -> Stage {
        let (feet, height, prop, prop_height) = match self {
            Self::DesertIsland => ((36.0, 84.0), 48.0, (103.0, 88.0), 32.0),
            Self::Office => ((46.0, 76.0), 50.0, (108.0, 95.0), 35.0),
            Self::LivingRoom => ((48.0, 84.0), 48.0, (110.0, 95.0), 36.0),
            Self::Bar => ((42.0, 80.0), 49.0, (100.0, 73.0), 33.0),
            Self::Hospital => ((50.0, 76.0), 49.0, (112.0, 95.0), 35.0),
            Self::MountainTop => ((48.0, 69.0), 48.0, (103.0, 90.0), 34.0),
            Self::Courtroom => ((46.0, 67.0), 47.0, (109.0, 95.0), 37.0),
            Self::Bathroom => ((48.0, 78.0), 50.0, (110.0, 95.0), 35.0),
            Self::Boat => ((38.0, 74.0), 47.0, (96.0, 69.0), 33.0),
            Self::Moon => ((42.0, 84.0), 50.0, (102.0, 90.0), 35.0),
        };
        Stage { feet, height, prop, prop_height }
    }
}

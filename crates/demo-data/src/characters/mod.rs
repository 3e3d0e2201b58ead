//! The cast. Every character stands on (0, 0), is about 100 high and looks to the right.

mod animals;
mod costumes;
mod oddities;

pub(crate) use costumes::star;

use crate::sketch::Sketch;

/// Who is in the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Character {
    /// With its shell.
    Snail,
    /// With crown and sceptre.
    King,
    /// Black, seated.
    Cat,
    /// White, with dark ears.
    Dog,
    /// Square, with an antenna.
    Robot,
    /// A sheet with eyes.
    Ghost,
    /// In a white suit.
    Astronaut,
    /// With a pointed hat and a beard.
    Wizard,
    /// Large and dark.
    Bear,
    /// In black and white.
    Penguin,
    /// In armour, with sword and shield.
    Knight,
    /// With eight arms.
    Octopus,
    /// A tyrannosaur with tiny arms.
    Dinosaur,
    /// In a cape.
    Vampire,
    /// With trunk and ears.
    Elephant,
}

impl Character {
    /// The whole cast.
    pub(crate) const ALL: [Self; 15] = [
        Self::Snail,
        Self::King,
        Self::Cat,
        Self::Dog,
        Self::Robot,
        Self::Ghost,
        Self::Astronaut,
        Self::Wizard,
        Self::Bear,
        Self::Penguin,
        Self::Knight,
        Self::Octopus,
        Self::Dinosaur,
        Self::Vampire,
        Self::Elephant,
    ];

    pub(crate) fn draw(self, sketch: &mut Sketch) {
        match self {
            Self::Snail => oddities::snail(sketch),
            Self::King => costumes::king(sketch),
            Self::Cat => animals::cat(sketch),
            Self::Dog => animals::dog(sketch),
            Self::Robot => oddities::robot(sketch),
            Self::Ghost => oddities::ghost(sketch),
            Self::Astronaut => costumes::astronaut(sketch),
            Self::Wizard => costumes::wizard(sketch),
            Self::Bear => animals::bear(sketch),
            Self::Penguin => animals::penguin(sketch),
            Self::Knight => costumes::knight(sketch),
            Self::Octopus => oddities::octopus(sketch),
            Self::Dinosaur => oddities::dinosaur(sketch),
            Self::Vampire => costumes::vampire(sketch),
            Self::Elephant => animals::elephant(sketch),
        }
    }
}

//! The cast. Every character stands on (0, 0), is about 100 units high and looks to the right.

mod animals;
mod costumes;
mod oddities;

pub(crate) use costumes::star;

use crate::sketch::Sketch;

/// The character in the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Character {
    /// A snail with its shell.
    Snail,
    /// A king with crown and sceptre.
    King,
    /// A black cat, seated.
    Cat,
    /// A white dog with dark ears.
    Dog,
    /// A square robot with an antenna.
    Robot,
    /// A ghost: a sheet with eyes.
    Ghost,
    /// An astronaut in a white suit.
    Astronaut,
    /// A wizard with a pointed hat and a beard.
    Wizard,
    /// A large, dark bear.
    Bear,
    /// A penguin in black and white.
    Penguin,
    /// A knight in armour, with sword and shield.
    Knight,
    /// An octopus with eight arms.
    Octopus,
    /// A tyrannosaur with tiny arms.
    Dinosaur,
    /// A vampire in a cape.
    Vampire,
    /// An elephant with trunk and ears.
    Elephant,
}

impl Character {
    /// All characters.
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

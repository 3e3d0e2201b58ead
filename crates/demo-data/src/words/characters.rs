//! The words for the characters.

use super::{Concept, Voice};
use crate::characters::Character;

pub(super) fn concept(character: Character) -> &'static Concept {
    match character {
        Character::Snail => &SNAIL,
        Character::King => &KING,
        Character::Cat => &CAT,
        Character::Dog => &DOG,
        Character::Robot => &ROBOT,
        Character::Ghost => &GHOST,
        Character::Astronaut => &ASTRONAUT,
        Character::Wizard => &WIZARD,
        Character::Bear => &BEAR,
        Character::Penguin => &PENGUIN,
        Character::Knight => &KNIGHT,
        Character::Octopus => &OCTOPUS,
        Character::Dinosaur => &DINOSAUR,
        Character::Vampire => &VAMPIRE,
        Character::Elephant => &ELEPHANT,
    }
}

static SNAIL: Concept = Concept {
    names: ["a snail", "a large snail"],
    literal: &["snail"],
    article: "Snail",
    voice: Voice {
        says: &["I left home in March", "there is no need to rush", "I brought my own shell"],
        things: &["life in the slow lane", "a trail of slime", "a brisk crawl"],
        acts: &["inch forward", "slow things down", "glide through the lettuce"],
    },
};

static KING: Concept = Concept {
    names: ["a king", "a king with a crown"],
    literal: &["king", "crown"],
    article: "Monarch",
    voice: Voice {
        says: &["my subjects are revolting", "I was born to rule", "the throne is being reupholstered"],
        things: &["a royal decree", "my entire kingdom", "the divine right"],
        acts: &["abdicate quietly", "issue a proclamation", "behead the messenger"],
    },
};

static CAT: Concept = Concept {
    names: ["a cat", "a black cat"],
    literal: &["cat"],
    article: "Cat",
    voice: Voice {
        says: &["I still have nine lives", "curiosity was not the culprit", "I only purr on commission"],
        things: &["an afternoon catnap", "a ball of yarn", "the litter situation"],
        acts: &["cough up a hairball", "stare at the mouse", "sharpen these claws"],
    },
};

static DOG: Concept = Concept {
    names: ["a dog", "a white dog"],
    literal: &["dog"],
    article: "Dog",
    voice: Voice {
        says: &["I was told I am a good boy", "somebody threw a stick", "I can smell the mailman"],
        things: &["a belly rub", "a walk without a leash", "a game of fetch"],
        acts: &["bury the bone", "wag at strangers", "bark up the wrong one"],
    },
};

static ROBOT: Concept = Concept {
    names: ["a robot", "a metal robot"],
    literal: &["robot"],
    article: "Robot",
    voice: Voice {
        says: &["my warranty has expired", "I only follow my programming", "I was oiled this morning"],
        things: &["a software update", "artificial intelligence", "a pair of fresh batteries"],
        acts: &["reboot in safe mode", "compute the odds", "pass for human"],
    },
};

static GHOST: Concept = Concept {
    names: ["a ghost", "a white ghost"],
    literal: &["ghost"],
    article: "Ghost",
    voice: Voice {
        says: &["I have been dead for centuries", "people see right through me", "nobody believes in me"],
        things: &["a career in the afterlife", "a decent séance", "a simple boo"],
        acts: &["haunt the place", "rattle some chains", "rest in peace"],
    },
};

static ASTRONAUT: Concept = Concept {
    names: ["an astronaut", "an astronaut in a space suit"],
    literal: &["astronaut", "space"],
    article: "Astronaut",
    voice: Voice {
        says: &["the countdown has begun", "Houston has gone quiet", "I have been weightless all year"],
        things: &["a little rocket fuel", "my re-entry", "a freeze-dried supper"],
        acts: &["float out of the hatch", "orbit the problem", "keep the helmet on"],
    },
};

static WIZARD: Concept = Concept {
    names: ["a wizard", "an old wizard with a pointed hat"],
    literal: &["wizard", "hat"],
    article: "Magician_(fantasy)",
    voice: Voice {
        says: &["my spell has worn off", "the prophecy was vague", "I turned the last one into a toad"],
        things: &["a little magic", "the potion", "an enchanted beard"],
        acts: &["wave a wand", "conjure something up", "consult the crystal"],
    },
};

static BEAR: Concept = Concept {
    names: ["a bear", "a big bear"],
    literal: &["bear"],
    article: "Bear",
    voice: Voice {
        says: &["I hibernate until April", "somebody ate my porridge", "there was honey involved"],
        things: &["a stolen picnic", "the forest ranger", "a cave of my own"],
        acts: &["growl at it", "hug everybody too hard", "catch some salmon"],
    },
};

static PENGUIN: Concept = Concept {
    names: ["a penguin", "a penguin with a bow tie"],
    literal: &["penguin"],
    article: "Penguin",
    voice: Voice {
        says: &["I always dress formally", "I came straight from Antarctica", "it is never cold enough"],
        things: &["an egg to sit on", "the last iceberg", "a flightless career"],
        acts: &["waddle over", "huddle for warmth", "rent a tuxedo"],
    },
};

static KNIGHT: Concept = Concept {
    names: ["a knight", "a knight in armor"],
    literal: &["knight", "armor"],
    article: "Knight",
    voice: Voice {
        says: &["chivalry is exhausting", "my visor is stuck", "the dragon sent a substitute"],
        things: &["a damsel in no distress", "the holy grail", "a noble quest"],
        acts: &["joust before breakfast", "sheathe the sword", "slay something"],
    },
};

static OCTOPUS: Concept = Concept {
    names: ["an octopus", "a smiling octopus"],
    literal: &["octopus"],
    article: "Octopus",
    voice: Voice {
        says: &["I have eight of everything", "my arms are full", "the calamari was a cousin of mine"],
        things: &["a cloud of ink", "my favorite tentacle", "all these suckers"],
        acts: &["multitask", "juggle everything", "squirt and swim off"],
    },
};

static DINOSAUR: Concept = Concept {
    names: ["a dinosaur", "a dinosaur with small arms"],
    literal: &["dinosaur"],
    article: "Dinosaur",
    voice: Voice {
        says: &["I am not extinct yet", "a meteor is on its way", "evolution passed me over"],
        things: &["the Jurassic lifestyle", "the fossil record", "a prehistoric appetite"],
        acts: &["roar politely", "stomp on Tokyo", "become a museum piece"],
    },
};

static VAMPIRE: Concept = Concept {
    names: ["a vampire", "a vampire in a black cape"],
    literal: &["vampire", "cape"],
    article: "Vampire",
    voice: Voice {
        says: &["I gave up garlic", "sunrise does not agree with me", "I have no reflection"],
        things: &["my blood type", "a comfortable coffin", "a trip to Transylvania"],
        acts: &["bite somebody", "sleep like the undead", "expose the fangs"],
    },
};

static ELEPHANT: Concept = Concept {
    names: ["an elephant", "a gray elephant"],
    literal: &["elephant"],
    article: "Elephant",
    voice: Voice {
        says: &["I never forget", "everyone pretends not to notice me", "I packed my own trunk"],
        things: &["a bag of peanuts", "skin this thick", "the circus"],
        acts: &["lead the herd", "trumpet about it", "stampede a little"],
    },
};

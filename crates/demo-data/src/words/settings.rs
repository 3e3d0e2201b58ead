//! The words for the places.

use super::{Concept, Voice};
use crate::settings::Setting;

pub(super) fn concept(setting: Setting) -> &'static Concept {
    match setting {
        Setting::DesertIsland => &DESERT_ISLAND,
        Setting::Office => &OFFICE,
        Setting::LivingRoom => &LIVING_ROOM,
        Setting::Bar => &BAR,
        Setting::Hospital => &HOSPITAL,
        Setting::MountainTop => &MOUNTAIN_TOP,
        Setting::Courtroom => &COURTROOM,
        Setting::Bathroom => &BATHROOM,
        Setting::Boat => &BOAT,
        Setting::Moon => &MOON,
    }
}

/// Returns the location in the words of the two annotators.
pub(super) fn locations(setting: Setting) -> [&'static str; 2] {
    match setting {
        Setting::DesertIsland => ["a desert island", "a tropical island"],
        Setting::Office => ["an office", "an office building"],
        Setting::LivingRoom => ["a living room", "a house"],
        Setting::Bar => ["a bar", "a pub"],
        Setting::Hospital => ["a hospital", "a hospital room"],
        Setting::MountainTop => ["a mountain top", "the mountains"],
        Setting::Courtroom => ["a courtroom", "a court"],
        Setting::Bathroom => ["a bathroom", "a spa"],
        Setting::Boat => ["a boat", "the open sea"],
        Setting::Moon => ["the moon", "outer space"],
    }
}

static DESERT_ISLAND: Concept = Concept {
    names: ["on a desert island", "on a small island under a palm tree"],
    literal: &["desert", "island", "palm"],
    article: "Desert_island",
    voice: Voice {
        says: &[
            "the rescue party is overdue",
            "we have been stranded since Tuesday",
            "the beach is all mine",
        ],
        things: &["another coconut", "this tropical paradise", "sand in everything"],
        acts: &["wave at the seagulls", "signal a passing plane", "catch a tan"],
    },
};

static OFFICE: Concept = Concept {
    names: ["at an office desk", "behind a desk in an office"],
    literal: &["office", "desk"],
    article: "Office",
    voice: Voice {
        says: &["Human Resources has concerns", "the memo was clear", "the quarterly figures are down"],
        things: &["the nine o’clock meeting", "my annual review", "a bigger cubicle"],
        acts: &["circle back on Monday", "update the spreadsheet", "ask the intern"],
    },
};

static LIVING_ROOM: Concept = Concept {
    names: ["on a couch in a living room", "in front of a couch"],
    literal: &["couch", "living", "sofa"],
    article: "Couch",
    voice: Voice {
        says: &["the remote is missing", "this upholstery is brand new", "the in-laws are visiting"],
        things: &["an evening of television", "the good cushions", "a throw pillow"],
        acts: &["put the feet up", "watch reruns", "redecorate"],
    },
};

static BAR: Concept = Concept {
    names: ["behind a bar", "at a bar full of bottles"],
    literal: &["bar", "bottle", "bottles"],
    article: "Bar",
    voice: Voice {
        says: &["the bartender has heard worse", "it is happy hour somewhere", "I am already on my third"],
        things: &["a dry martini", "a double whiskey", "an unpaid tab"],
        acts: &["drown these sorrows", "order a stiff drink", "sober up"],
    },
};

static HOSPITAL: Concept = Concept {
    names: ["in a hospital bed", "in bed at a hospital"],
    literal: &["hospital", "bed"],
    article: "Hospital",
    voice: Voice {
        says: &["the test results are in", "my insurance covers this", "the surgeon was optimistic"],
        things: &["a second opinion", "the night nurse", "a full recovery"],
        acts: &["take two aspirin", "check the pulse", "describe the symptoms"],
    },
};

static MOUNTAIN_TOP: Concept = Concept {
    names: ["on top of a mountain", "on a mountain peak"],
    literal: &["mountain", "peak"],
    article: "Mountain",
    voice: Voice {
        says: &["the air is thin up here", "it was a steep hike", "the guru is out to lunch"],
        things: &["the meaning of life", "inner enlightenment", "a Sherpa"],
        acts: &["yodel once more", "admire the view", "reach the summit"],
    },
};

static COURTROOM: Concept = Concept {
    names: ["at the bench of a courtroom", "behind a bench in a courtroom"],
    literal: &["courtroom", "bench"],
    article: "Courtroom",
    voice: Voice {
        says: &["the jury is still out", "I plead not guilty", "my client denies everything"],
        things: &["the whole truth", "a hostile witness", "a reduced sentence"],
        acts: &["object to that", "hide the evidence", "appeal the verdict"],
    },
};

static BATHROOM: Concept = Concept {
    names: ["in a bathtub", "in a bathtub full of foam"],
    literal: &["bathtub", "bathroom", "foam"],
    article: "Bathtub",
    voice: Voice {
        says: &[
            "somebody used all the shampoo",
            "the water is getting lukewarm",
            "I am as wrinkled as a prune",
        ],
        things: &["a rubber duck", "a fluffy towel", "a long soak"],
        acts: &["scrub behind the ears", "sing in the shower", "pull the plug"],
    },
};

static BOAT: Concept = Concept {
    names: ["on a sailing boat", "in a boat at sea"],
    literal: &["boat", "sailing", "sea"],
    article: "Sailboat",
    voice: Voice {
        says: &["the captain is seasick", "there is a leak below", "the crew has mutinied"],
        things: &["a following breeze", "the first mate", "a bucket for bailing"],
        acts: &["jump overboard", "row harder", "steer toward starboard"],
    },
};

static MOON: Concept = Concept {
    names: ["on the moon", "on the moon under a black sky"],
    literal: &["moon", "sky"],
    article: "Moon",
    voice: Voice {
        says: &["there is no atmosphere", "gravity is optional here", "the crater was like that already"],
        things: &["one giant leap", "the dark side", "a quarter of a million miles"],
        acts: &["plant the flag", "taste the green cheese", "miss planet Earth"],
    },
};

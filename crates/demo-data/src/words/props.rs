//! The words for the props.

use super::{Concept, Voice};
use crate::props::Prop;

pub(super) fn concept(prop: Prop) -> &'static Concept {
    match prop {
        Prop::Anchor => &ANCHOR,
        Prop::Balloon => &BALLOON,
        Prop::Umbrella => &UMBRELLA,
        Prop::Clock => &CLOCK,
        Prop::Telephone => &TELEPHONE,
        Prop::Ladder => &LADDER,
        Prop::Trophy => &TROPHY,
        Prop::Cake => &CAKE,
        Prop::Lamp => &LAMP,
        Prop::Piano => &PIANO,
        Prop::Chainsaw => &CHAINSAW,
        Prop::Briefcase => &BRIEFCASE,
    }
}

static ANCHOR: Concept = Concept {
    names: ["an anchor", "a heavy anchor"],
    literal: &["anchor"],
    article: "Anchor",
    voice: Voice {
        says: &["it keeps me grounded", "something is weighing on me", "I am too attached to leave"],
        things: &["a heavy commitment", "several tons of iron", "that sinking feeling"],
        acts: &["drag it along", "settle down for good", "drop it right there"],
    },
};

static BALLOON: Concept = Concept {
    names: ["a balloon", "a dark balloon on a string"],
    literal: &["balloon", "string"],
    article: "Balloon",
    voice: Voice {
        says: &["it is mostly hot air", "the squeaking is the helium", "it is about to pop"],
        things: &["an inflated ego", "a surprise party", "a sharp needle"],
        acts: &["burst with pride", "drift away", "deflate gently"],
    },
};

static UMBRELLA: Concept = Concept {
    names: ["an umbrella", "an open umbrella"],
    literal: &["umbrella"],
    article: "Umbrella",
    voice: Voice {
        says: &["it looks like rain", "the forecast was wrong again", "the weatherman seemed nervous"],
        things: &["scattered thunderstorms", "a chance of drizzle", "the nearest puddle"],
        acts: &["open it indoors", "brave the storm", "get soaked anyway"],
    },
};

static CLOCK: Concept = Concept {
    names: ["a clock", "a giant alarm clock"],
    literal: &["clock", "alarm"],
    article: "Alarm_clock",
    voice: Voice {
        says: &["I hit the snooze button", "we are running late", "the ticking is in my head"],
        things: &["the last minute", "daylight saving", "a missed deadline"],
        acts: &["oversleep again", "kill some time", "be punctual for once"],
    },
};

static TELEPHONE: Concept = Concept {
    names: ["a telephone", "an old telephone with a dial"],
    literal: &["telephone", "phone", "dial"],
    article: "Telephone",
    voice: Voice {
        says: &["they put me on hold", "the line is busy", "it rang all night"],
        things: &["a wrong number", "a collect call", "the operator"],
        acts: &["hang up", "wait for the beep", "let it ring"],
    },
};

static LADDER: Concept = Concept {
    names: ["a ladder", "a stepladder"],
    literal: &["ladder", "stepladder"],
    article: "Ladder",
    voice: Voice {
        says: &["the next rung is missing", "I started at the bottom", "superstition is for amateurs"],
        things: &["upward mobility", "a promotion", "a fear of heights"],
        acts: &["walk underneath", "clean the gutters", "paint the ceiling"],
    },
};

static TROPHY: Concept = Concept {
    names: ["a trophy", "a silver trophy"],
    literal: &["trophy"],
    article: "Trophy",
    voice: Voice {
        says: &[
            "I would like to thank the academy",
            "everyone gets one for participation",
            "the runner-up is bitter",
        ],
        things: &["first prize", "a victory lap", "an undefeated record"],
        acts: &["win gracefully", "polish it weekly", "rehearse the acceptance speech"],
    },
};

static CAKE: Concept = Concept {
    names: ["a cake", "a cake with candles"],
    literal: &["cake", "candle", "candles"],
    article: "Birthday_cake",
    voice: Voice {
        says: &["it is my birthday", "I already made a wish", "calories do not count today"],
        things: &["an extra slice", "all that frosting", "three layers of marzipan"],
        acts: &["skip straight to dessert", "lick the icing", "turn forty again"],
    },
};

static LAMP: Concept = Concept {
    names: ["a lamp", "a floor lamp"],
    literal: &["lamp"],
    article: "Light_fixture",
    voice: Voice {
        says: &["I was never the brightest", "the wattage is embarrassing", "the bulb burned out"],
        things: &["a soft glow", "some mood lighting", "the electric bill"],
        acts: &["shed some light", "flip the switch", "dim it a little"],
    },
};

static PIANO: Concept = Concept {
    names: ["a piano", "a grand piano"],
    literal: &["piano"],
    article: "Piano",
    voice: Voice {
        says: &["I only know one tune", "the pedals are out of reach", "my lessons never paid off"],
        things: &["a Chopin nocturne", "a sonata in C minor", "the wrong chord"],
        acts: &["play something sad", "practice the scales", "take requests"],
    },
};

static CHAINSAW: Concept = Concept {
    names: ["a chainsaw", "a big chainsaw"],
    literal: &["chainsaw", "saw"],
    article: "Chainsaw",
    voice: Voice {
        says: &["it cuts both ways", "the lumber had it coming", "a trim was all I wanted"],
        things: &["a pile of sawdust", "the lumberjack lifestyle", "a clear-cut solution"],
        acts: &["rev it up", "branch out", "shape the hedge"],
    },
};

static BRIEFCASE: Concept = Concept {
    names: ["a briefcase", "a briefcase with a lock"],
    literal: &["briefcase", "lock"],
    article: "Briefcase",
    voice: Voice {
        says: &["the contents are confidential", "I brought the paperwork", "it is handcuffed to me"],
        things: &["the secret combination", "a merger", "some unmarked bills"],
        acts: &["sign the contract", "close the deal", "carry the documents"],
    },
};

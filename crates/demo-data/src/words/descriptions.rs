//! What the annotators write under a picture, in plain and literal words.

use super::settings::locations;
use crate::scene::Scene;
use cliptune_random::Random;

/// One annotator's description of the picture and of what is uncanny about it.
#[derive(Clone, Debug)]
pub(crate) struct Description {
    pub(crate) plain: String,
    pub(crate) uncanny: String,
}

/// Another annotator's location, links and questions.
#[derive(Clone, Debug)]
pub(crate) struct Notes {
    pub(crate) location: &'static str,
    pub(crate) entities: Vec<String>,
    pub(crate) questions: Vec<String>,
}

// The slots are {c} the character, {p} the prop, {w} where the picture is set, {v} what the character does.
const PLAIN: [&[&str]; 3] = [
    &["{c} {v} {w} with {p}.", "{c} {v} {w} next to {p}.", "{c} {v} {w}. There is {p} too."],
    &["{c} is {w}. Next to it is {p}.", "{c} is {w} with {p}.", "{c} and {p} are {w}."],
    &[
        "there is {c} {w}, and beside it there is {p}.",
        "we see {c} {w} with {p}.",
        "{p} stands next to {c} {w}.",
    ],
];
const UNCANNY: &[&str] = &[
    "You would not expect {c} {w}.",
    "{c} does not usually have {p}.",
    "It is odd to see {p} {w}.",
    "{c} with {p} is strange.",
];
const QUESTIONS: &[&str] = &[
    "Why is {c} {w}?",
    "What is {p} doing there?",
    "Where did {c} get {p}?",
    "What will {c} do with {p}?",
    "How did {p} end up {w}?",
];
const VERBS: &[&str] = &["sits", "stands", "waits", "rests"];

/// Writes the descriptions of the three annotators who describe the picture.
pub(crate) fn describe(scene: Scene, random: &mut Random) -> [Description; 3] {
    PLAIN.map(|templates| Description {
        plain: tell(random.pick(templates), scene, random),
        uncanny: tell(random.pick(UNCANNY), scene, random),
    })
}

/// Writes the notes of the two annotators who name the location and the links.
pub(crate) fn annotate(scene: Scene, random: &mut Random) -> [Notes; 2] {
    locations(scene.setting).map(|location| Notes {
        location,
        entities: links(scene, random),
        questions: ask(scene, random),
    })
}

fn tell(template: &str, scene: Scene, random: &mut Random) -> String {
    let [character, place, prop] = scene.elements().map(|element| random.pick(&element.concept().names));
    let told = template
        .replace("{c}", character)
        .replace("{w}", place)
        .replace("{p}", prop)
        .replace("{v}", random.pick(VERBS));
    let mut letters = told.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Returns articles about the character, the prop and, as often as not, the setting.
fn links(scene: Scene, random: &mut Random) -> Vec<String> {
    let [character, place, prop] = scene
        .elements()
        .map(|element| format!("https://en.wikipedia.org/wiki/{}", element.concept().article));
    if random.chance(50) { vec![character, prop] } else { vec![character, place, prop] }
}

fn ask(scene: Scene, random: &mut Random) -> Vec<String> {
    let mut templates = QUESTIONS.to_vec();
    random.shuffle(&mut templates);
    let asked = 1 + random.below(2);
    templates.iter().take(asked).map(|template| tell(template, scene, random)).collect()
}

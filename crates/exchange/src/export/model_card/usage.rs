//! How the model is used, in code that fits it.

use cliptune_clip::config::Family;
use cliptune_documents::fenced;
use cliptune_experiment::{Task, TaskKind};
use cliptune_terminal::format::harmless_json;

use super::Card;
use super::squared::Squared;

/// The most classes that the code names.
const CLASSES: usize = 3;
/// The stand-in for the place of the model.
const MODEL_DIR: &str = "USER/NAME";

/// The code for a library.
struct Library {
    name: &'static str,
    language: &'static str,
    code: &'static str,
    /// What makes probabilities of the logits, and what shows the logits themselves.
    results: [&'static str; 2],
}

const LIBRARIES: [Library; 4] = [
    Library {
        name: "transformers",
        language: "python",
        code: include_str!("usage/transformers.py"),
        results: ["print(logits.softmax(dim=-1))", "print(logits)"],
    },
    Library {
        name: "open_clip",
        language: "python",
        code: include_str!("usage/open_clip.py"),
        results: ["print(logits.softmax(dim=-1))", "print(logits)"],
    },
    Library {
        name: "ONNX Runtime",
        language: "python",
        code: include_str!("usage/onnxruntime.py"),
        results: [
            "odds = np.exp(logits - logits.max(axis=-1, keepdims=True))\nprint(odds / odds.sum(axis=-1, keepdims=True))",
            "print(logits)",
        ],
    },
    Library {
        name: "transformers.js",
        language: "js",
        code: include_str!("usage/transformers.js"),
        results: ["console.log(softmax(logits.tolist()[0]));", "console.log(logits.tolist());"],
    },
];

/// Returns the section with the code for all libraries.
pub(super) fn section(card: &Card<'_>) -> String {
    let task = card.content.run.record().plan.data.columns.task.kind();
    let family = card.config.family;
    let mut text = format!("## How to use it\n\n{}\n", introduction(task));
    for library in &LIBRARIES {
        text.push_str(&format!("\n### {}\n\n", library.name));
        if let Some(size) = card.padded().filter(|_| library.language == "js") {
            text.push_str(&format!(
                "transformers.js pads no images: make squares of {size} × {size} pixels of them first.\n\n"
            ));
        }
        if let Some(note) = note(library, family) {
            text.push_str(&format!("{note}\n\n"));
        }
        text.push_str(&fenced(library.language, &filled(card, library)));
    }
    text
}

fn introduction(task: TaskKind) -> String {
    let meaning = match task {
        TaskKind::Choice => "The text with the highest probability is the answer.",
        TaskKind::Classes => {
            "The class whose text has the highest probability is the answer. Where a class has several texts, cliptune takes \
             the mean of their normalised embeddings."
        }
        TaskKind::Pairs => {
            "The higher a logit, the nearer are image and text: sort texts by a row, and images by a column."
        }
    };
    format!(
        "`{MODEL_DIR}` stands for a repository, or a folder, with the files of the run's `model/` at its top and those of its `onnx/` \
         in `onnx/`. {meaning}"
    )
}

/// Returns what has to be known beside the code. What is said of transformers.js is what docs/onnx.md says and measures.
fn note(library: &Library, family: Family) -> Option<&'static str> {
    match (library.name, family) {
        ("open_clip", Family::Clip) => Some(
            "From the folder that `cliptune export RUN --layout open_clip --to OPEN_CLIP_FOLDER` writes:",
        ),
        ("open_clip", Family::Siglip) => Some(
            "From the folder that `cliptune export RUN --layout open_clip --to OPEN_CLIP_FOLDER` writes, if open_clip has a SigLIP \
             of this size and activation:",
        ),
        ("transformers.js", Family::Clip) => Some(
            "In Node, from a folder. It resizes images in its own way, so that results differ a little, and it cuts the end off texts \
             that are too long, without which the model makes nothing of them:",
        ),
        ("transformers.js", Family::Siglip) => Some(
            "In Node, from a folder that has a `tokenizer.json`. It resizes images in its own way, so that results differ a little:",
        ),
        _ => None,
    }
}

/// Returns the code for a library with everything filled in that depends on the model and its task.
fn filled(card: &Card<'_>, library: &Library) -> String {
    let task = card.content.run.record().plan.data.columns.task.kind();
    let (is_sigmoid, is_script) = (card.config.family.has_sigmoid_loss(), library.language == "js");
    let padding = match (is_sigmoid, is_script) {
        (true, _) => "'max_length'",
        (false, true) => "true",
        (false, false) => "True",
    };
    let [probabilities, logits] = library.results;
    let (result, softmax) = match task {
        TaskKind::Pairs => (logits, ""),
        TaskKind::Choice | TaskKind::Classes => (probabilities, ", softmax"),
    };
    let bias = if is_sigmoid { " + model.logit_bias" } else { "" };
    let squared = Squared::of(card.preprocessor.as_ref());
    // The texts come last: nothing in them is filled in.
    library
        .code
        .replace("MODEL_DIR", MODEL_DIR)
        .replace("CLASS", card.config.family.class())
        .replace("PADDING", padding)
        .replace("RESULT", result)
        .replace("SOFTMAX", softmax)
        .replace(".TBIAS", &format!(".T{bias}"))
        .replace("IMAGE_OPS", squared.import)
        .replace("SQUARED", &squared.lines)
        .replace("RESIZED", squared.argument)
        .replace("TEXTS", &texts(card))
}

/// Returns a list of texts that the model is made for, in the notation that Python and JavaScript share.
fn texts(card: &Card<'_>) -> String {
    let task = &card.content.run.record().plan.data.columns.task;
    let texts: Vec<String> = match task {
        Task::Choice { .. } => ["the first text", "the second text"].map(str::to_owned).to_vec(),
        Task::Pairs { .. } => ["a text", "another text"].map(str::to_owned).to_vec(),
        Task::Classes { templates, .. } => {
            let classes = card.dataset.iter().flat_map(|dataset| &dataset.classes).take(CLASSES);
            let prompts = classes.filter_map(|class| templates.prompts(class).next());
            // Without its dataset, nobody knows the classes any more.
            let unknown = templates.prompts("class").filter(|_| card.dataset.is_none()).take(1);
            prompts.chain(unknown).collect()
        }
    };
    let written: Vec<String> =
        texts.into_iter().map(|text| serde_json::Value::from(text).to_string()).collect();
    harmless_json(&format!("[{}]", written.join(", "))).into_owned()
}

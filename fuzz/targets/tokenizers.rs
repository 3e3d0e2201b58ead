//! Files of tokenizers: the first byte says which, and the others of the folder are valid.

#![no_main]

use std::path::Path;
use std::sync::OnceLock;

use cliptune_clip::tokenizer::{DECIDING_FILES, Tokenizer};
use cliptune_fuzz::folder;
use libfuzzer_sys::fuzz_target;

const TEXTS: [&str; 3] = ["a cat sits on a mat", "É\u{301}ß 東京 👩\u{200d}🚀 ", ""];
/// The positions of a text.
const CONTEXT: usize = 16;

/// The files of a valid tokenizer.
fn valid() -> &'static [(&'static str, Vec<u8>)] {
    static FILES: OnceLock<Vec<(&'static str, Vec<u8>)>> = OnceLock::new();
    FILES.get_or_init(|| {
        let tokenizer = Tokenizer::train(&TEXTS, 520, CONTEXT).expect("a small tokenizer");
        let saved = folder().join("valid");
        std::fs::create_dir_all(&saved).expect("a folder");
        tokenizer.save(&saved).expect("its files");
        let read = |name: &'static str| Some((name, std::fs::read(saved.join(name)).ok()?));
        DECIDING_FILES.into_iter().filter_map(read).collect()
    })
}

fn lay_out(folder: &Path, replaced: &'static str, data: &[u8], is_alone: bool) {
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir_all(folder).expect("a folder");
    let others = valid().iter().filter(|(name, _)| *name != replaced && !is_alone);
    let files = others.map(|(name, bytes)| (*name, bytes.as_slice())).chain([(replaced, data)]);
    files.for_each(|(name, bytes)| std::fs::write(folder.join(name), bytes).expect("a file"));
}

fuzz_target!(|data: &[u8]| {
    let Some((which, data)) = data.split_first() else { return };
    let which = usize::from(*which);
    let model = folder().join("model");
    lay_out(&model, DECIDING_FILES[which % DECIDING_FILES.len()], data, which >= 128);
    let Ok(tokenizer) = Tokenizer::from_folder(&model, CONTEXT) else { return };
    for text in TEXTS {
        if let Ok(encoded) = tokenizer.encode(text) {
            let batch = tokenizer.batch(&[text]).expect("what is encoded alone is encoded in a batch");
            drop((encoded, batch));
        }
    }
});

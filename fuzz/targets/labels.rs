//! Labels of a table: whatever a reading chooses is one of the texts.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[allow(dead_code, reason = "the crate that it is part of uses the rest")]
#[path = "../../crates/ingest/src/label.rs"]
mod label;

use cliptune_experiment::LabelReading;
use label::{Means, Spelling, index};

fuzz_target!(|data: &[u8]| {
    let Ok(data) = std::str::from_utf8(data) else { return };
    let mut parts = data.split('\n');
    let Some(label) = parts.next() else { return };
    let texts: Vec<&str> = parts.collect();
    for spelling in [Spelling::Number, Spelling::Boolean, Spelling::Text] {
        let means = Means::of(spelling, label, &texts);
        let chosen = [means.text, means.letter, means.index, means.position];
        assert!(chosen.into_iter().flatten().all(|index| (index as usize) < texts.len()));
        let read = index(LabelReading::Text, spelling, label, &texts);
        assert_eq!(read, means.text.map(|index| index as usize));
    }
});

//! `--set KEY=VALUE` over a valid experiment.

#![no_main]

use std::path::PathBuf;
use std::sync::OnceLock;

use cliptune_experiment::load;
use cliptune_fuzz::write;
use libfuzzer_sys::fuzz_target;

const EXPERIMENT: &[u8] = include_bytes!("../seeds/experiments/pairs.yaml");

fuzz_target!(|data: &[u8]| {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    let path = PATH.get_or_init(|| write("experiment.yaml", EXPERIMENT));
    let Ok(text) = std::str::from_utf8(data) else { return };
    let settings: Vec<String> = text.split('\u{1}').take(3).map(str::to_owned).collect();
    if let Err(error) = load(&[path.clone()], &settings) {
        assert!(!error.to_string().trim().is_empty());
    }
});

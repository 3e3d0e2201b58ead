//! Undoes what wrappers around a model do to the names of its weights.

use std::collections::BTreeSet;

use super::layout::{TEXT_NAMES, VISION_NAMES};

/// The parts that `DataParallel`, `torch.compile`, FSDP and activation checkpointing insert into the names of modules,
/// at any depth. No module of a CLIP has such a name.
const WRAPPERS: [&str; 4] = ["module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"];

/// Returns a name without the parts that wrappers inserted.
pub(super) fn unwrapped(name: &str) -> String {
    let parts: Vec<&str> = name.split('.').filter(|part| !WRAPPERS.contains(part)).collect();
    parts.join(".")
}

/// Returns the prefix of each model that the weights belong to: an empty prefix for a model by itself, `model.` for one
/// that was saved as part of a training script's own class.
pub(super) fn prefixes<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Vec<String> {
    let before = |known: &[&str]| -> BTreeSet<&'a str> {
        let of = |name: &'a str| known.iter().filter_map(move |end| name.strip_suffix(end));
        let found = names.clone().flat_map(|name| of(name).collect::<Vec<_>>());
        found.filter(|prefix| prefix.is_empty() || prefix.ends_with('.')).collect()
    };
    let both: Vec<&str> = before(&TEXT_NAMES).intersection(&before(&VISION_NAMES)).copied().collect();
    // `model.text.` is also a prefix of a text tower's names, but it says less than `model.`.
    let shortest = |prefix: &&&str| !both.iter().any(|other| *other != **prefix && prefix.starts_with(other));
    both.iter().filter(shortest).map(|prefix| (*prefix).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrappers_are_left_out_wherever_they_stand() {
        for name in [
            "module.visual.conv1.weight",
            "_orig_mod.module.visual.conv1.weight",
            "module._orig_mod.visual._checkpoint_wrapped_module.conv1._orig_mod.weight",
            "visual.conv1.weight",
        ] {
            assert_eq!(unwrapped(name), "visual.conv1.weight");
        }
    }

    #[test]
    fn what_stands_before_both_towers_is_found() {
        let of = |names: &[&str]| prefixes(names.iter().copied());
        let plain = ["text.token_embedding.weight", "visual.conv1.weight"];
        assert_eq!(of(&plain), [""]);
        assert_eq!(
            of(&["clip.model.text.token_embedding.weight", "clip.model.visual.conv1.weight"]),
            ["clip.model."]
        );
        let two = plain.map(|name| ["student.", "teacher."].map(|prefix| format!("{prefix}{name}"))).concat();
        let two: Vec<&str> = two.iter().map(String::as_str).collect();
        assert_eq!(of(&two), ["student.", "teacher."]);
        // A single tower could belong to any model.
        assert_eq!(of(&["bert.token_embedding.weight"]), [""; 0]);
    }
}

//! What wrappers around a model make of the names of its weights.

use std::collections::BTreeSet;

use super::layout::{TEXT_NAMES, VISION_NAMES};

/// What `DataParallel`, `torch.compile`, FSDP and activation checkpointing put between the names of modules, at any
/// depth. No module of a CLIP is called so.
const WRAPPERS: [&str; 4] = ["module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"];

/// A name without the wrappers in it.
pub(super) fn unwrapped(name: &str) -> String {
    let parts: Vec<&str> = name.split('.').filter(|part| !WRAPPERS.contains(part)).collect();
    parts.join(".")
}

/// What stands before the names of each model that some weights are of: nothing for a model by itself, `model.` for
/// one that was saved as a part of a training script's own class.
pub(super) fn prefixes<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Vec<String> {
    let before = |known: &[&str]| -> BTreeSet<&'a str> {
        let of = |name: &'a str| known.iter().filter_map(move |end| name.strip_suffix(end));
        let found = names.clone().flat_map(|name| of(name).collect::<Vec<_>>());
        found.filter(|prefix| prefix.is_empty() || prefix.ends_with('.')).collect()
    };
    let both: Vec<&str> = before(&TEXT_NAMES).intersection(&before(&VISION_NAMES)).copied().collect();
    // `model.text.` stands before names of a text tower as well, and says less than `model.`.
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
        // One tower alone could be any model's.
        assert_eq!(of(&["bert.token_embedding.weight"]), [""; 0]);
    }
}

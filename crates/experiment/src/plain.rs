//! YAML of other tools, as plain values.

use crate::problem::Problems;
use crate::source::SourceId;
use crate::yaml;

/// Reads a YAML document of another tool, within the same limits as an experiment: one document, without anchors, tags and keys
/// that occur twice, neither deep nor with very many values.
///
/// # Errors
/// Returns what is wrong with it as a fragment of a sentence.
pub fn plain_yaml(text: &str) -> Result<serde_json::Value, String> {
    let mut problems = Problems::default();
    let node = yaml::parse(text, SourceId::DEFAULTS, &mut problems);
    match (node, problems.into_sorted().into_iter().next()) {
        (Some(node), None) => Ok(node.to_json()),
        (_, Some(problem)) => Err(problem.message),
        (None, None) => Err("it is no YAML".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::plain_yaml;

    #[test]
    fn values_are_plain_and_a_bomb_is_refused() {
        let read = plain_yaml("train: { lr: 1e-3, tune: full }\nlayers: [1, 2]\n").unwrap();
        assert_eq!(read, serde_json::json!({ "train": { "lr": 1e-3, "tune": "full" }, "layers": [1, 2] }));
        assert!(plain_yaml("a: &a [x, x]\nb: [*a, *a]\n").is_err());
        assert!(plain_yaml(&"[".repeat(100)).is_err());
        assert!(plain_yaml("a: 1\na: 2\n").is_err());
        assert!(plain_yaml("a: [1").is_err());
    }
}

//! The names that MLflow allows.

use std::collections::BTreeMap;

/// The most characters that a name has in MLflow.
const LONGEST: usize = 250;

/// The names of a run's metrics, settings and tags in MLflow, and what those that had to be changed really are.
#[derive(Default)]
pub(super) struct Names {
    /// The real names, by those in MLflow.
    real: BTreeMap<String, String>,
}

impl Names {
    /// Returns the name that something has in MLflow. `recall@5` becomes `recall_at_5`, as MLflow itself calls its metrics at a
    /// rank; every other character that MLflow refuses becomes `_`. Two names never become one.
    pub(super) fn allowed(&mut self, name: &str) -> String {
        let allowed = restricted(name);
        let numbered = (2..).map(|number| format!("{allowed}_{number}"));
        let is_free = |one: &String| self.real.get(one).is_none_or(|real| real == name);
        let free = std::iter::once(allowed.clone()).chain(numbered).find(is_free).unwrap_or_default();
        self.real.insert(free.clone(), name.to_owned());
        free
    }

    /// Returns the real names of those that had to be changed, by the latter, as JSON; `None` where there are none.
    pub(super) fn changed(&self) -> Option<String> {
        let changed: BTreeMap<&String, &String> =
            self.real.iter().filter(|(allowed, real)| allowed != real).collect();
        (!changed.is_empty()).then(|| serde_json::json!(changed).to_string())
    }
}

/// Returns a name with what MLflow refuses replaced. It takes letters, digits, `_`, `-`, `.`, `:`, spaces and slashes, as long as
/// the name is no path that could be written in another way.
fn restricted(name: &str) -> String {
    let kept = |letter: char| letter.is_ascii_alphanumeric() || "_-.: /".contains(letter);
    let spelled = name.replace('@', "_at_");
    let spelled: String = spelled.chars().map(|letter| if kept(letter) { letter } else { '_' }).collect();
    let is_plain = |part: &str| !matches!(part, "" | "." | "..");
    let is_path = spelled.split('/').all(is_plain) && !spelled.starts_with("..");
    let spelled = if is_path { spelled } else { spelled.replace('/', "_").replacen("..", "__", 1) };
    let spelled: String = spelled.chars().take(LONGEST - "_00".len()).collect();
    // A name that is cut, too, may end at a slash.
    let spelled = spelled.trim_end_matches('/');
    if is_plain(spelled) { spelled.to_owned() } else { "_".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_mlflow_refuses_are_changed_and_can_be_found_again() {
        let mut names = Names::default();
        assert_eq!(names.allowed("test.image_to_text_recall@5.low"), "test.image_to_text_recall_at_5.low");
        assert_eq!(names.allowed("train/loss"), "train/loss");
        assert_eq!(names.allowed("a\nb"), "a_b");
        assert_eq!(names.allowed("a=b"), "a_b_2", "two names never become one");
        assert_eq!(names.allowed("a_b"), "a_b_3", "not even with one that is allowed");
        assert_eq!(names.allowed("a\nb"), "a_b", "a name stays what it is");
        assert_eq!(names.allowed("../x"), "___x");
        assert_eq!(names.allowed("..x"), "__x", "as MLflow takes it for a path");
        assert_eq!(names.allowed("/"), "_");
        assert_eq!(names.allowed(".."), "__");
        assert!(names.allowed(&"x".repeat(1000)).len() <= LONGEST);
        assert!(!names.allowed(&format!("{}/x", "y".repeat(246))).ends_with('/'));
        let changed: BTreeMap<String, String> = serde_json::from_str(&names.changed().unwrap()).unwrap();
        assert_eq!(changed["a_b_2"], "a=b");
        assert!(!changed.contains_key("train/loss"));
        assert_eq!(Names::default().changed(), None);
    }
}

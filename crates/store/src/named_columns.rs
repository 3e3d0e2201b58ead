//! Which columns of its table a plan reads.

use cliptune_experiment::DataPlan;
use serde_json::Value;

use crate::identity;

/// The name by which the SQL of a plan can refer to the table, and so to all its columns.
pub const TABLE_NAME: &str = "metadata";
/// The function that stands for several columns in the SQL of a plan.
const SEVERAL: &str = "columns";
/// What stands for columns without their names: all of them, one by its place, and names with escapes in them.
const UNNAMED: [&str; 3] = ["*", "#", "&\""];

/// The columns that a plan may read. To name one too many costs time, and to miss one would cost its values, so every text of
/// the recipe counts, whatever it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedColumns {
    /// All texts of the recipe, folded.
    texts: Vec<String>,
    /// Whether columns are read without being named.
    all: bool,
}

impl NamedColumns {
    pub(crate) fn of(plan: &DataPlan) -> Self {
        let mut texts = Vec::new();
        collect(&identity::recipe(plan), &mut texts);
        texts.sort_unstable();
        texts.dedup();
        // Any column may be the one that names the images.
        Self { texts, all: plan.join.is_none() }
    }

    /// Returns the columns that a plan with these texts may read.
    #[cfg(test)]
    pub(crate) fn of_texts(texts: &[&str]) -> Self {
        Self { texts: texts.iter().map(|text| folded(text)).collect(), all: false }
    }

    /// Checks whether the plan may read all columns, whatever they are called.
    pub(crate) fn are_all(&self) -> bool {
        let is_unnamed = |text: &String| UNNAMED.iter().any(|sign| text.contains(sign));
        let has_word = |text: &String| has_word(text, TABLE_NAME) || has_word(text, SEVERAL);
        self.all || self.texts.iter().any(|text| is_unnamed(text) || has_word(text))
    }

    /// Checks whether the plan may read a column: whether its name stands in any text, in any case. Where it could be part of
    /// a longer name, it has to stand alone.
    pub(crate) fn have(&self, column: &str) -> bool {
        let name = folded(column);
        match name.chars().all(is_of_a_name) {
            true => self.texts.iter().any(|text| has_word(text, &name)),
            false => {
                let quoted = name.replace('"', "\"\"");
                self.texts.iter().any(|text| text.contains(&name) || text.contains(&quoted))
            }
        }
    }

    /// Returns a text that tells the columns of this plan from those of another one.
    pub(crate) fn key(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        if self.all {
            hasher.update(b"all");
        }
        for text in &self.texts {
            hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }
}

/// Returns a text in a form that is the same for names that SQL takes for one.
pub(crate) fn folded(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(folded(text)),
        Value::Array(values) => values.iter().for_each(|value| collect(value, texts)),
        Value::Object(fields) => fields.values().for_each(|value| collect(value, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn is_of_a_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Checks whether a word stands in a text and is no part of a longer one.
fn has_word(text: &str, word: &str) -> bool {
    let is_alone = |at: usize| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(is_of_a_name) && !after.is_some_and(is_of_a_name)
    };
    text.match_indices(word).any(|(at, _)| is_alone(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(texts: &[&str]) -> NamedColumns {
        NamedColumns::of_texts(texts)
    }

    #[test]
    fn a_column_is_read_whose_name_stands_alone() {
        let columns = named(&["lower(Caption) || \"b c\" || t.größe", "file", "x > 5"]);
        for name in ["caption", "CAPTION", "file", "größe", "GRÖßE", "b c", "B C", "x", "5", "lower"] {
            assert!(columns.have(name), "{name}");
        }
        for name in ["capt", "aption", "captions", "röße", "gr", "ile", "image"] {
            assert!(!columns.have(name), "{name}");
        }
        assert!(!columns.are_all());
    }

    #[test]
    fn a_name_of_signs_is_found_anywhere() {
        let columns = named(&["\"say \"\"it\"\"\" = 1", "a-b", "it's"]);
        for name in ["say \"it\"", "a-b", "it's", "-"] {
            assert!(columns.have(name), "{name}");
        }
        assert!(!columns.have("a+b"));
    }

    #[test]
    fn overlapping_words_are_all_looked_at() {
        assert!(named(&["aa_a a"]).have("a") && named(&["aaa, aa"]).have("aa"));
        assert!(!named(&["aaa"]).have("aa"));
    }

    #[test]
    fn what_stands_for_columns_without_their_names_stands_for_all() {
        for text in [
            "(SELECT count(*) FROM x)",
            "COLUMNS('a.b')",
            "list_value(columns(c -> c))",
            "to_json(METADATA)",
            "\"metadata\".a = 1",
            "#1",
            "U&\"\\0061\"",
        ] {
            assert!(named(&["file", text]).are_all(), "{text}");
        }
        for text in ["metadatas", "my_columns", "a & b", "a - b / c"] {
            assert!(!named(&[text]).are_all(), "{text}");
        }
    }

    #[test]
    fn other_columns_have_another_key() {
        assert_ne!(named(&["ab", "c"]).key(), named(&["a", "bc"]).key());
        assert_eq!(named(&["ab", "c"]).key(), named(&["AB", "c"]).key());
    }
}

//! A row of the table in the form in which the join returns it.

use serde::Deserialize;

/// One table row with the image that its key names.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Raw")]
pub(crate) struct JoinedRow {
    /// The row's number in the table, counted from 0.
    pub(crate) row: u64,
    /// The key that the row looks for.
    pub(crate) key: Option<String>,
    /// The number of images that have the row's key.
    pub(crate) images: u64,
    /// The index of the image, if exactly one has the row's key.
    pub(crate) image: Option<usize>,
    /// Whether `where` keeps the row. It is true when there is no `where`, and for rows without an image.
    pub(crate) kept: bool,
    pub(crate) id: Option<String>,
    pub(crate) group: Option<String>,
    /// The texts; `None` when the value is not a list of texts.
    pub(crate) texts: Option<Vec<Option<String>>>,
    /// The value that was found in place of a list of texts.
    pub(crate) no_list: Option<String>,
    pub(crate) label: Option<String>,
    pub(crate) split: Option<String>,
    pub(crate) vocabulary: Vec<Option<String>>,
    pub(crate) across: Vec<Option<String>>,
}

/// The same row with its texts as JSON.
#[derive(Deserialize)]
struct Raw {
    row: u64,
    key: Option<String>,
    images: u64,
    image: Option<usize>,
    kept: bool,
    id: Option<String>,
    group: Option<String>,
    texts: Option<String>,
    label: Option<String>,
    split: Option<String>,
    vocabulary: Vec<Option<String>>,
    across: Vec<Option<String>>,
}

impl From<Raw> for JoinedRow {
    fn from(raw: Raw) -> Self {
        // JSON has null for a missing list as well.
        let given = raw.texts.filter(|texts| texts != "null");
        let texts = given.as_deref().and_then(listed);
        Self {
            row: raw.row,
            key: raw.key,
            images: raw.images,
            image: raw.image,
            kept: raw.kept,
            id: raw.id,
            group: raw.group,
            no_list: if texts.is_some() { None } else { given },
            texts,
            label: raw.label,
            split: raw.split,
            vocabulary: raw.vocabulary,
            across: raw.across,
        }
    }
}

/// One value in a list of texts.
#[derive(Deserialize)]
#[serde(untagged)]
enum Element {
    Text(String),
    Boolean(bool),
    Whole(i64),
    Large(u64),
    Number(f64),
    Missing(()),
}

/// Reads the texts of a JSON array. Returns `None` if the JSON is not an array, or if it contains arrays or objects.
fn listed(json: &str) -> Option<Vec<Option<String>>> {
    let elements: Vec<Element> = serde_json::from_str(json).ok()?;
    let text = |element| match element {
        Element::Text(text) => Some(text),
        Element::Boolean(value) => Some(value.to_string()),
        Element::Whole(value) => Some(value.to_string()),
        Element::Large(value) => Some(value.to_string()),
        Element::Number(value) => Some(value.to_string()),
        Element::Missing(()) => None,
    };
    Some(elements.into_iter().map(text).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_texts_is_one_of_scalars() {
        let texts = |texts: &[Option<&str>]| {
            Some(texts.iter().map(|text| text.map(str::to_owned)).collect::<Vec<_>>())
        };
        assert_eq!(
            listed(r#"["1:15", 7, true, null, "null", ""]"#),
            texts(&[Some("1:15"), Some("7"), Some("true"), None, Some("null"), Some("")])
        );
        for none in ["", "not a list", "['a', 'b']", r#"[["a"], ["b"]]"#, r#"[{"raw": "a"}]"#, r#""a""#, "3"]
        {
            assert_eq!(listed(none), None, "{none}");
        }
    }
}

//! `data.columns.templates`: the prompts that stand for a class.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::values::Impossible;

/// The gap of a template as it is written.
const GAP: &str = "{}";

/// A prompt with one gap for the name of a class, such as `a photo of a {}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    before: String,
    after: String,
}

impl Template {
    /// Returns the template with a text in its gap.
    pub fn filled(&self, text: &str) -> String {
        [&self.before, text, &self.after].concat()
    }
}

impl FromStr for Template {
    type Err = Impossible;

    fn from_str(written: &str) -> Result<Self, Impossible> {
        let impossible = || {
            Impossible(format!("expected a text with exactly one `{GAP}`, where the name of the class goes"))
        };
        let (before, after) = written.split_once(GAP).ok_or_else(impossible)?;
        match after.contains(GAP) {
            true => Err(impossible()),
            false => Ok(Self { before: before.to_owned(), after: after.to_owned() }),
        }
    }
}

impl TryFrom<String> for Template {
    type Error = Impossible;

    fn try_from(written: String) -> Result<Self, Impossible> {
        written.parse()
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.to_string()
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{GAP}{}", self.before, self.after)
    }
}

/// The templates whose prompts stand together for one text: at least one.
///
/// The embedding of the text is the mean of the normalised embeddings of its prompts, normalised again (Radford et al.
/// 2021, section 3.1.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Templates(Vec<Template>);

impl Templates {
    /// Returns the one template that leaves a text as it is. Captions and choices have it.
    pub fn plain() -> Self {
        Self(vec![Template { before: String::new(), after: String::new() }])
    }

    /// Returns the templates, or `None` if there are none.
    pub fn new(templates: Vec<Template>) -> Option<Self> {
        (!templates.is_empty()).then_some(Self(templates))
    }

    /// Returns the number of prompts that stand for one text.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Returns the prompts that stand for a text.
    pub fn prompts<'a>(&'a self, text: &'a str) -> impl Iterator<Item = String> + 'a {
        self.0.iter().map(|template| template.filled(text))
    }
}

/// The template of a class when an experiment gives none: the one of CLIP's own zero-shot classifier.
impl Default for Templates {
    fn default() -> Self {
        Self(vec![Template { before: "a photo of a ".to_owned(), after: String::new() }])
    }
}

impl fmt::Display for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [only] => write!(f, "{only:?}", only = only.to_string()),
            several => write!(f, "{} templates", several.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_has_one_gap() {
        let prompt = |written: &str| written.parse::<Template>().map(|template| template.filled("cat")).ok();
        assert_eq!(prompt("a photo of a {}.").as_deref(), Some("a photo of a cat."));
        assert_eq!(prompt("{}").as_deref(), Some("cat"));
        assert_eq!(prompt("a photo"), None);
        assert_eq!(prompt("{} and {}"), None);
        assert_eq!(prompt(""), None);
    }

    #[test]
    fn a_name_that_looks_like_a_gap_is_a_name() {
        assert_eq!("a {}".parse::<Template>().unwrap().filled("{}"), "a {}");
    }

    #[test]
    fn a_caption_is_its_own_prompt() {
        assert_eq!(Templates::plain().prompts("a cat").collect::<Vec<_>>(), ["a cat"]);
        assert_eq!(Templates::default().prompts("cat").collect::<Vec<_>>(), ["a photo of a cat"]);
    }
}

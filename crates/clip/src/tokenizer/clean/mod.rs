//! Cleans a text as open_clip does before it splits the text into words.
//!
//! This follows `open_clip/tokenizer.py` (3.3.0): `ftfy.fix_text`, `html.unescape` twice, white space stripped from
//! both ends, and then the step that the checkpoint's `tokenizer_kwargs.clean` names. OpenAI's package does the same as
//! `clean: lower`.

mod ftfy;
mod html;
pub(super) mod python;

use super::family::Cleaning;

/// Applies open_clip's cleaning to a text.
pub(super) fn clean(text: &str, cleaning: Cleaning) -> String {
    let text = html::unescape(&html::unescape(&ftfy::fix_text(text)));
    match cleaning {
        Cleaning::Lower => python::collapse(&text).to_lowercase(),
        Cleaning::Whitespace => python::collapse(&text),
        Cleaning::Canonicalize => {
            let spaced = python::strip(&text).replace('_', " ");
            python::collapse(&python::without_punctuation(&spaced).to_lowercase())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    /// The results of Python's functions for a text; see `scripts/references/families.py`.
    #[derive(Deserialize)]
    struct Cleaned {
        text: String,
        ftfy: String,
        html: String,
    }

    #[derive(Deserialize)]
    struct Reference {
        texts: Vec<Cleaned>,
    }

    #[test]
    fn texts_that_ftfy_does_not_suspect_are_cleaned_as_by_ftfy_and_python() {
        let reference = include_bytes!("../../../tests/references/text/cleaned.json");
        let reference: Reference = serde_json::from_slice(reference).unwrap();
        assert!(reference.texts.len() > 400);
        for Cleaned { text, ftfy, html } in reference.texts {
            assert_eq!(html::unescape(&text), html, "{text:?}");
            assert_eq!(ftfy::fix_text(&text), ftfy, "{text:?}");
        }
    }

    #[test]
    fn the_three_ways_to_clean_differ_in_case_and_punctuation() {
        let text = " A_Caf\u{e9}\u{a0}&amp;amp; \u{201c}Bar\u{201d}\t!";
        assert_eq!(clean(text, Cleaning::Whitespace), "A_Caf\u{e9} & \"Bar\" !");
        assert_eq!(clean(text, Cleaning::Lower), "a_caf\u{e9} & \"bar\" !");
        assert_eq!(clean(text, Cleaning::Canonicalize), "a caf\u{e9} bar");
    }
}

//! The gate of pages, and the frame that all of them have.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use cliptune_terminal::format::visible_lines;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use crate::bidi::isolated;

/// The content security policy, by which nothing is run or loaded from anywhere, whatever a caption contains, and nothing is sent.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/// What holds for the texts of every page: a word without end is broken, also where a column is as wide as its words.
const STYLE: &str = include_str!("style.css");

/// The most characters between two tags. Whatever shows a text cuts it before, so that a reader can see where.
const MOST: usize = 150_000;

/// Returns a whole page: its title, the rules of its looks in CSS, and its body. The style is trusted. Of the body, the tags
/// are: no text in it can hold a character that no output may hold, or be without end.
pub fn page(title: &str, style: &str, body: &Markup) -> String {
    framed(title, style, body, POLICY, &html! {})
}

/// Returns a page with a script of ours at its end. The policy names the script by its hash, so that no other one runs.
pub fn page_with_script(title: &str, style: &str, script: &str, body: &Markup) -> String {
    let hash = STANDARD.encode(Sha256::digest(script.as_bytes()));
    let policy = format!("{POLICY}; script-src 'sha256-{hash}'");
    framed(title, style, body, &policy, &html! { script { (PreEscaped(script)) } })
}

fn framed(title: &str, style: &str, body: &Markup, policy: &str, script: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content="cliptune";
                title { (visible_lines(title)) }
                style { (PreEscaped(STYLE)) (PreEscaped(style)) }
            }
            body { (PreEscaped(gated(&body.0))) (script) }
        }
    };
    page.into_string()
}

/// Returns markup whose texts do no harm.
fn gated(markup: &str) -> String {
    let (mut gated, mut is_drawing) = (String::with_capacity(markup.len()), false);
    // In a text and in an attribute, `<` and `>` are escaped: these are the ends of tags.
    for part in markup.split_inclusive('>') {
        let (text, tag) = part.split_at(part.find('<').unwrap_or(part.len()));
        let bounded = bounded(text);
        let text = visible_lines(bounded.as_ref());
        // A drawing has a gate of its own, and no such tag.
        gated.push_str(&if is_drawing { text } else { isolated(&text, "<bdi>", "</bdi>") });
        gated.push_str(&visible_lines(tag));
        is_drawing = tag.starts_with("<svg") || is_drawing && !tag.starts_with("</svg");
    }
    gated
}

/// Returns a text between two tags, without its end if it has more than [`MOST`] characters.
fn bounded(text: &str) -> Cow<'_, str> {
    let Some((end, _)) = text.char_indices().nth(MOST) else { return Cow::Borrowed(text) };
    let kept = &text[..end];
    // Half of an `&amp;` would be a text of its own.
    let whole = kept.rfind('&').filter(|at| !kept[*at..].contains(';')).map_or(kept, |at| &kept[..at]);
    Cow::Owned(format!("{whole}…"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_text_and_nothing_may_be_run_or_loaded() {
        let page = page("<script>1</script>\u{1b}", "p > b {}", &html! { p { "text" } });
        assert!(page.contains("<title>&lt;script&gt;1&lt;/script&gt;\\u{1b}</title>"), "{page}");
        assert!(page.contains("default-src 'none'") && page.contains("p > b {}</style>"), "{page}");
    }

    #[test]
    fn the_only_script_that_runs_is_ours() {
        let page = page_with_script("", "", "let a = 1 < 2;", &html! { p { "</script><script>b</script>" } });
        // printf 'let a = 1 < 2;' | openssl dgst -sha256 -binary | base64
        assert!(page.contains("script-src 'sha256-Xd/xFl+DmsVqHczJvGQWMh7nLH7H7r5iGmQKRm0JimU='"), "{page}");
        assert!(page.ends_with("</p><script>let a = 1 < 2;</script></body></html>"), "{page}");
        assert_eq!(page.matches("<script>").count(), 1, "{page}");
    }

    #[test]
    fn whoever_forgets_to_escape_a_character_writes_a_page_without_it_all_the_same() {
        let hostile = "a>\u{1b}]8;;x\u{7}\u{202e}\0b\u{9b}2J";
        let body = html! { p title=(hostile) { (hostile) br; "two\nlines" } };
        let page = page("", "", &body);
        let escaped = r"a&gt;\u{1b}]8;;x\u{7}\u{202e}\u{0}b\u{9b}2J";
        assert!(page.contains(&format!("<p title=\"{escaped}\">{escaped}<br>two\nlines</p>")), "{page}");
    }

    #[test]
    fn a_number_behind_a_name_from_right_to_left_stays_there() {
        let drawing = PreEscaped("<svg><text>שלום 3</text></svg>");
        let body = html! { p title="שלום 1" { "run שלום 2" } (drawing) p { "قطة" } };
        let page = page("", "", &body);
        let expected = "<p title=\"שלום 1\">run <bdi>שלום</bdi> 2</p><svg><text>שלום 3</text></svg><p><bdi>قطة</bdi></p>";
        assert!(page.contains(expected), "{page}");
    }

    #[test]
    fn a_text_without_end_has_one() {
        let body = html! { p { ("<".repeat(1 << 20)) } p { "next" } };
        let page = page("", "", &body);
        assert!(page.contains("&lt;…</p><p>next</p>") && page.len() < 2 * MOST, "{}", page.len());
    }
}

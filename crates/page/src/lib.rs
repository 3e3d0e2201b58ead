//! The frame of a page that is one file, runs nothing and loads nothing, whatever its texts contain.

use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The content security policy, by which nothing is run or loaded from anywhere, whatever a caption contains.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/// Returns a whole page: its title, the rules of its looks in CSS, and its body. The style is trusted.
pub fn page(title: &str, style: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content="cliptune";
                title { (title) }
                style { (PreEscaped(style)) }
            }
            body { (body) }
        }
    };
    page.into_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_text_and_nothing_may_be_run_or_loaded() {
        let page = page("<script>1</script>", "p > b {}", &html! { p { "text" } });
        assert!(page.contains("<title>&lt;script&gt;1&lt;/script&gt;</title>"), "{page}");
        assert!(page.contains("default-src 'none'") && page.contains("<style>p > b {}</style>"), "{page}");
    }
}

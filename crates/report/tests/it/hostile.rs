//! Captions, names and files by somebody who means harm.

use cliptune_report::charts::{Look, Width, all};
use cliptune_report::render::render;
use cliptune_terminal::format::visible_lines;
use resvg::usvg::roxmltree::Document;

use crate::files::text;
use crate::synthetic;
use crate::synthetic::hostile::{HOSTILE, hostile};

#[test]
fn nothing_hostile_becomes_markup_in_the_page() {
    let page = text(&hostile(), "index.html");
    assert_eq!(page.matches("<script").count(), 1, "that of the tables");
    assert!(page.find("<script").unwrap() > page.find("</footer>").unwrap());
    assert!(!page.contains("<img src=x"));
    assert_eq!(page.matches("</style>").count(), 1);
    assert!(page.contains("&lt;script&gt;"));
}

#[test]
fn no_file_holds_a_character_that_gives_orders() {
    for file in render(&hostile()).unwrap() {
        if let Ok(text) = String::from_utf8(file.bytes) {
            let harmless = visible_lines(&text);
            assert!(harmless == text, "{}", file.name);
        }
    }
}

#[test]
fn texts_without_end_make_no_page_without_end() {
    let (plain, hostile) = (synthetic::report(), hostile());
    for file in ["index.html", "report.md"] {
        let more = text(&hostile, file).len().saturating_sub(text(&plain, file).len());
        // The texts themselves are 70 MB, and a page shows up to 10 kB of each of 80 captions.
        assert!(more < 3_000_000, "{file}: {more}");
    }
}

#[test]
fn of_many_texts_a_page_shows_some_and_those_that_matter() {
    let mut data = synthetic::report();
    let item = &mut data.gallery.as_mut().unwrap().items[0];
    item.texts = (0..10_000).map(|text| format!("text {text}.")).collect();
    item.label = 9_000;
    let page = text(&data, "index.html");
    assert!(page.contains("text 9000.") && !page.contains("text 8000."));
    assert!(page.contains("other texts"), "{page}");
}

#[test]
fn hostile_names_leave_charts_well_formed() {
    for chart in all(&hostile()).unwrap() {
        for look in [Look::Inline, Look::Standalone] {
            for width in [Width::Wide, Width::Narrow] {
                let svg = chart.svg(width, look);
                Document::parse(&svg).unwrap();
                assert!(!svg.contains("<script"));
            }
        }
    }
}

#[test]
fn nothing_hostile_becomes_markup_in_markdown() {
    let markdown = text(&hostile(), "report.md");
    let prose: String = markdown.lines().filter(|line| !line.starts_with("    ")).collect();
    for markup in ["<script", "<img", "https://", "www.x", "@someone", "#12", " `=1"] {
        assert!(!prose.contains(markup), "{markup} in {prose}");
    }
    // What is linked is what belongs to the report.
    let links = prose.match_indices("](").filter(|(at, _)| !prose[..*at].ends_with('\\'));
    let linked = links.map(|(at, _)| prose[at + 2..].split(')').next().unwrap());
    for file in linked {
        assert!(file == "index.html" || file.ends_with(".svg"), "{file}");
    }
}

#[test]
fn json_has_every_name_as_it_is() {
    let data = hostile();
    let json: serde_json::Value = serde_json::from_str(&text(&data, "report.json")).unwrap();
    assert_eq!(json["name"], HOSTILE);
    assert_eq!(json["experiments"][0]["name"], data.entries[0].name);
}

#[test]
fn a_missing_image_is_said() {
    assert!(
        text(&synthetic::report(), "index.html").contains("Image not shown: <bdi>the file is gone</bdi>")
    );
}

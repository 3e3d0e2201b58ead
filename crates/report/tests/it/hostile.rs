//! Captions, names and files by somebody who means harm.

use cliptune_report::charts::{Look, Width, all};
use cliptune_report::data::ReportData;
use resvg::usvg::roxmltree::Document;

use crate::files::text;
use crate::synthetic;

const HOSTILE: &str =
    "</style></svg><script>alert(1)</script><img src=x onerror=alert(2)>\"'&\u{0}\u{1b}]8;;x";

fn hostile() -> ReportData {
    let mut data = synthetic::report();
    data.name = HOSTILE.to_owned();
    data.arguments = vec![format!("```\n\n{HOSTILE}")];
    for entry in &mut data.entries {
        entry.name = format!("{}{HOSTILE}", entry.name);
    }
    let dataset = &mut data.datasets[0];
    dataset.rejects = [(HOSTILE.to_owned(), 3)].into();
    for item in &mut data.gallery.as_mut().unwrap().items {
        item.id = HOSTILE.to_owned();
        item.group = HOSTILE.to_owned();
        item.texts.fill(HOSTILE.to_owned());
        item.image = Err(HOSTILE.to_owned());
    }
    data
}

#[test]
fn nothing_hostile_becomes_markup_in_the_page() {
    let page = text(&hostile(), "index.html");
    assert!(!page.contains("<script"));
    assert!(!page.contains("<img"));
    assert_eq!(page.matches("</style>").count(), 1);
}

#[test]
fn hostile_names_leave_charts_well_formed() {
    for chart in all(&hostile()).unwrap() {
        for look in [Look::Inline, Look::Standalone] {
            let svg = chart.svg(Width::Wide, look);
            Document::parse(&svg).unwrap();
            assert!(!svg.contains("<script"));
        }
    }
}

#[test]
fn nothing_hostile_becomes_markup_in_markdown() {
    let markdown = text(&hostile(), "report.md");
    let prose: String = markdown.lines().filter(|line| !line.starts_with("    ")).collect();
    assert!(!prose.contains("<script") && !prose.contains("<img"), "{prose}");
}

#[test]
fn a_missing_image_is_said() {
    assert!(text(&synthetic::report(), "index.html").contains("Image not shown: the file is gone"));
}

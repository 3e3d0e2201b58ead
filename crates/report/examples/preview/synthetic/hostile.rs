//! The same runs with the texts of somebody who means harm.

use cliptune_report::data::ReportData;
use cliptune_store::{ClassScore, ClassScores, Confusion, Estimate};

use super::report;

/// Markup of several languages, formulas, orders to terminals, and letters that turn the order of others around.
pub(crate) const HOSTILE: &str = "</style></svg>]]><script>alert(1)</script><img src=x onerror=alert(2)>\"'&\u{0}\u{1b}]8;;x\u{7}\
     \u{9b}2J\u{202e}txt\u{2066}\u{2028}|`=1+1` [x](javascript:alert(3)) ![y](https://x.y/z) www.x.y @someone #12";

/// Texts that take more room than they should.
pub(crate) fn sprawling() -> Vec<String> {
    vec![
        "W".repeat(1 << 20),
        format!("Za{}lgo{}", "\u{301}".repeat(10_000), "\u{489}\u{20dd}".repeat(500)),
        "A caption with words that goes on and on. ".repeat(25_000),
        "مرحبا بالعالم هذا نص عربي طويل 123 שלום עולם".to_owned(),
        "👩\u{200d}👩\u{200d}👧\u{200d}👦🏴\u{e0067}\u{e0062}\u{e007f}\u{fdfd}\u{12031}\u{e000}\u{f8ff}"
            .repeat(20),
        "東京".repeat(300),
        HOSTILE.to_owned(),
        "a\u{200b}b\u{ad}".repeat(2_000),
    ]
}

/// Returns a report in which strangers have written whatever they can write.
pub(crate) fn hostile() -> ReportData {
    let mut data = report();
    let sprawling = sprawling();
    data.name = HOSTILE.to_owned();
    data.arguments = vec![format!("```\n\n{HOSTILE}"), "W".repeat(5_000)];
    for (entry, text) in data.entries.iter_mut().zip(sprawling.iter().cycle().skip(2)) {
        let axis: String = text.chars().take(60).collect();
        entry.name = format!("{} where={axis}", entry.name);
        for record in entry.runs.iter_mut().filter_map(|run| run.record.as_mut()) {
            record.provenance.host = sprawling[0].clone();
            record.provenance.device = HOSTILE.to_owned();
            record.provenance.git_commit = Some(HOSTILE.to_owned());
        }
    }
    data.datasets[0].rejects = [(HOSTILE.to_owned(), 3), ("W".repeat(3_000), 4)].into();
    for (at, item) in data.gallery.as_mut().into_iter().flat_map(|gallery| &mut gallery.items).enumerate() {
        item.id = sprawling[at % sprawling.len()].clone();
        item.group = sprawling[(at + 1) % sprawling.len()].clone();
        for (text, hostile) in item.texts.iter_mut().zip(sprawling.iter().cycle().skip(at)) {
            text.clone_from(hostile);
        }
        if at % 5 == 0 {
            item.image = Err(format!("the decoder says {HOSTILE} {}", "W".repeat(500)));
        }
    }
    data.boards[0].classes = Some(classes(&sprawling));
    data.with_roles()
}

/// Scores of classes with such names.
fn classes(names: &[String]) -> ClassScores {
    let accuracy = || Estimate { value: 0.5, low: 0.4, high: 0.6, method: HOSTILE.to_owned() };
    let class = |name: &String| ClassScore {
        name: name.clone(),
        n_items: 4,
        n_predicted: 4,
        accuracy: Some(accuracy()),
    };
    let cells = (0..names.len()).flat_map(|class| {
        [(class, 3), ((class + 1) % names.len(), 1)].map(|(predicted, n_items)| Confusion {
            class,
            predicted,
            n_items,
            share: n_items as f64 / 4.0,
        })
    });
    ClassScores { classes: names.iter().map(class).collect(), confusion: cells.collect() }
}

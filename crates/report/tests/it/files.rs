//! The files of a report as a whole.

use cliptune_experiment::Control;
use cliptune_report::charts::all;
use cliptune_report::data::{AboveChance, Measure, NAMED, ReportData, RunSummary};
use cliptune_report::headline;
use cliptune_report::render::{ReportFile, documents, render};
use cliptune_store::{Estimate, Outcome};

use crate::synthetic;
use crate::synthetic::many::many;

/// The text of a file of the report.
pub(crate) fn text(data: &ReportData, name: &str) -> String {
    let files = documents(data, &all(data).unwrap()).unwrap();
    let file = files.into_iter().find(|file| file.name == name).unwrap();
    String::from_utf8(file.bytes).unwrap()
}

fn names(files: &[ReportFile]) -> Vec<&str> {
    files.iter().map(|file| file.name.as_str()).collect()
}

#[test]
fn markdown() {
    insta::assert_snapshot!(text(&synthetic::report(), "report.md"));
}

#[test]
fn json() {
    insta::assert_snapshot!(text(&synthetic::report(), "report.json"));
}

#[test]
fn the_page_in_words() {
    insta::assert_snapshot!(words(&text(&synthetic::report(), "index.html")));
}

#[test]
fn the_page_of_nothing_in_words() {
    insta::assert_snapshot!(words(&text(&synthetic::nothing_run(), "index.html")));
}

#[test]
fn the_same_data_makes_the_same_bytes() {
    assert!(render(&synthetic::report()).unwrap() == render(&synthetic::report()).unwrap());
}

#[test]
fn a_report_has_all_its_files() {
    let files = render(&synthetic::report()).unwrap();
    let expected = [
        "index.html",
        "report.md",
        "report.json",
        "accuracy.png",
        "accuracy.svg",
        "loss.png",
        "loss.svg",
        "validation.png",
        "validation.svg",
        "reliability.png",
        "reliability.svg",
        "risk.png",
        "risk.svg",
        "places.png",
        "places.svg",
        "machine.png",
        "machine.svg",
    ];
    assert_eq!(names(&files), expected);
    let results: serde_json::Value =
        serde_json::from_str(&text(&synthetic::report(), "report.json")).unwrap();
    assert_eq!(results["files"], serde_json::json!(expected), "by which it knows them again");
    let png = files.iter().find(|file| file.name == "loss.png").unwrap();
    assert_eq!(image::load_from_memory(&png.bytes).unwrap().width(), 2 * (940 + 56));
}

#[test]
fn without_runs_there_are_no_charts_and_every_experiment_is_named() {
    let data = synthetic::nothing_run();
    let files = render(&data).unwrap();
    assert_eq!(names(&files), ["index.html", "report.md", "report.json"]);
    let page = text(&data, "index.html");
    for entry in &data.entries {
        assert!(page.contains(&format!("{}: not run yet", entry.name)), "{}", entry.name);
    }
}

#[test]
fn without_experiments_there_is_a_page() {
    let empty = ReportData { entries: Vec::new(), ..synthetic::nothing_run() };
    assert!(text(&empty, "index.html").contains("no experiments"));
}

#[test]
fn a_single_run_is_a_report() {
    let mut data = synthetic::report();
    data.entries.truncate(1);
    data.boards.remove(0);
    (data.gallery, data.pairs) = (None, None);
    let page = text(&data, "index.html");
    assert!(page.contains("the own text ranks first for 0.18 of held-out images"), "{page}");
}

#[test]
fn a_training_that_changed_nothing_is_told_in_words() {
    let mut data = synthetic::report();
    let runs = &mut data.entries[2].runs;
    for run in runs.iter_mut() {
        run.record.as_mut().unwrap().end.as_mut().unwrap().outcome = Outcome::Done { best_epoch: 0 };
    }
    assert!(runs.iter().all(RunSummary::kept_start));
    for file in ["index.html", "report.md", "report.json"] {
        let told = text(&data, file).replace('\\', "");
        let is_told =
            told.contains("seed 0") && told.contains(": kept the starting weights: no epoch was better");
        assert!(is_told, "{file}");
    }
    assert!(text(&data, "index.html").contains("Training kept the starting weights: no epoch was better."));
    let untrained = data.entries[1].runs.iter().any(RunSummary::kept_start);
    assert!(!untrained, "where nothing is trained there is nothing to keep");
}

#[test]
fn the_page_loads_nothing() {
    let page = text(&synthetic::report(), "index.html");
    for load in
        ["http:", "https:", "<script src", "<link", "@import", "url(", "src=\"//", "fetch(", "import("]
    {
        assert!(!page.contains(load), "{load}");
    }
    assert!(page.contains("default-src 'none'") && page.contains("script-src 'sha256-"));
}

#[test]
fn without_its_script_the_page_is_whole_and_has_nothing_that_does_nothing() {
    let data = many(60);
    let page = text(&data, "index.html");
    let (plain, _) = page.split_once("<script>").unwrap();
    assert_eq!(plain.matches("<table class=\"sortable\">").count(), 2);
    for index in 0..60 {
        assert_eq!(
            plain.matches(&format!("<tr data-e=\"{index}\">")).count(),
            2,
            "a row of results and one of settings"
        );
    }
    for inert in ["<button", "type=\"search\"", " hidden", "onclick"] {
        assert!(!plain.contains(inert), "{inert}");
    }
    // A box draws curves by a rule of style alone.
    let other = data.others().next().unwrap().0;
    assert!(plain.contains(&format!("id=\"pick-{other}\"")));
    assert!(plain.contains(&format!("body:has(#pick-{other}:checked) .p{other}{{display:inline-block}}")));
    assert!(plain.contains(&format!("<path class=\"p p{other}\"")));
}

#[test]
fn the_axes_of_a_matrix_are_columns_beside_kept_epochs_and_seeds() {
    let page = text(&many(60), "index.html");
    let results = page.split_once("<section id=\"results\">").unwrap().1;
    let head = results.split_once("<thead>").unwrap().1.split_once("</thead>").unwrap().0;
    let words: String =
        head.split('<').filter_map(|tag| tag.split_once('>')).map(|(_, text)| format!("{text}|")).collect();
    let columns: Vec<&str> = words.split('|').filter(|word| !word.is_empty()).collect();
    assert_eq!(
        columns[..9],
        [
            "experiment",
            "tune",
            "learning rate",
            "weight decay",
            "score",
            "difference",
            "verdict",
            "kept epoch",
            "seeds done"
        ]
    );
    assert!(page.contains("3 of 3"));
}

#[test]
fn a_page_of_a_thousand_runs_is_small() {
    let data = many(334);
    assert!(data.entries.iter().map(|entry| entry.runs.len()).sum::<usize>() >= 1_000);
    let page = text(&data, "index.html");
    assert!(page.len() < 3_000_000, "{}", page.len());
}

#[test]
fn of_many_experiments_the_best_by_validation_are_named_and_no_chart_has_more() {
    let data = many(200);
    let named: Vec<usize> = data.named().map(|(index, _)| index).collect();
    assert_eq!(named.len(), NAMED + 1, "and the baseline");
    let worst = data.named().skip(1).filter_map(|(_, entry)| entry.validation_score()).fold(1.0, f64::min);
    assert!(data.others().all(|(_, entry)| entry.validation_score().unwrap_or(0.0) <= worst));
    for chart in all(&data).unwrap().iter().filter(|chart| ["loss", "validation"].contains(&chart.name)) {
        assert!(chart.caption.contains("Drawn are the best 7 on the validation split"), "{}", chart.caption);
    }
}

#[test]
fn every_recall_is_drawn_beside_its_own_chance() {
    let data = synthetic::report();
    let chart = all(&data).unwrap().into_iter().find(|chart| chart.name == "accuracy").unwrap();
    let chances: Vec<[&str; 2]> = chart
        .table
        .rows
        .iter()
        .filter(|row| row[0].contains('→'))
        .map(|row| [row[0].as_str(), row[5].as_str()])
        .collect();
    let expected = [
        ["image → text, recall@1", "0.011"],
        ["image → text, recall@5", "0.055"],
        ["image → text, recall@10", "0.108"],
        ["text → image, recall@1", "0.011"],
        ["text → image, recall@5", "0.056"],
        ["text → image, recall@10", "0.111"],
    ];
    assert_eq!(chances, expected);
    assert!(
        chart
            .description
            .contains("text → image, recall@10: 0.60, 95 % interval 0.53 to 0.67; chance is 0.11.")
    );
}

#[test]
fn both_directions_of_several_experiments_on_pairs_are_in_a_table_with_chance() {
    let mut data = synthetic::report();
    let mut other = data.boards[1].rows[0].clone();
    other.entry = 3;
    other.others[0].1.value = 0.5;
    data.boards[0].rows.retain(|row| row.entry != 3);
    data.boards[1].rows.push(other);
    let page = text(&data, "index.html");
    let (retrieval, _) =
        page.split_once("<section id=\"retrieval\">").unwrap().1.split_once("</section>").unwrap();
    for part in ["image to text @5", "text to image @1", "text to image @10", "text to image median rank"] {
        assert!(retrieval.contains(part), "{part}");
    }
    assert_eq!(retrieval.matches("<tr data-e=").count(), 2);
    let markdown = text(&data, "report.md").replace('\\', "");
    let line = |name: &str| markdown.lines().find(|line| line.starts_with(&format!("| {name} | 0"))).unwrap();
    assert_eq!(line("chance"), "| chance | 0.011 | 0.055 | 0.108 | – | 0.011 | 0.056 | 0.111 | – |");
    assert!(markdown.contains("| image to text @1 | image to text @5 |"), "{markdown}");
    assert!(markdown.contains("0.500 [0.401, 0.541]"), "{markdown}");
}

#[test]
fn the_mean_reciprocal_rank_is_shown() {
    let mut data = synthetic::report();
    data.boards[0].rows[1].others.push(("mrr".to_owned(), Measure { value: 0.8125, interval: None }));
    for file in ["index.html", "report.md"] {
        let told = text(&data, file);
        assert!(told.contains("MRR") && told.contains("0.812"), "{file}");
    }
}

#[test]
fn an_interval_of_a_score_from_few_groups_is_said_to_be_rough() {
    let mut data = synthetic::report();
    data.boards.truncate(1);
    data.pairs = None;
    let few = "resamples, seed 0; from fewer than ten groups, so it is rough.";
    for (groups, is_few) in [(1, false), (2, true), (9, true), (10, false)] {
        data.boards[0].n_groups = groups;
        for file in ["index.html", "report.md"] {
            assert_eq!(text(&data, file).replace('\\', "").contains(few), is_few, "{groups} groups, {file}");
        }
    }
}

#[test]
fn a_model_that_is_above_chance_without_looking_is_told_so_in_the_title() {
    let mut data = synthetic::report();
    let score = Estimate { value: 0.41, low: 0.36, high: 0.46, method: "invented".to_owned() };
    let above =
        |control| AboveChance { control, metric: "accuracy".to_owned(), score: score.clone(), chance: 0.2 };
    data.boards[0].rows[1].above_chance = vec![above(Control::BlankImage), above(Control::TextAlone)];
    let title = headline(&data);
    assert_eq!(
        title,
        "tuned: 0.72 of held-out items matched with the right text, +0.42 over zero-shot – but above chance with a blank image \
         (accuracy 0.41) and with the text alone (accuracy 0.41)"
    );
    let page = text(&data, "index.html");
    assert!(page.contains(&format!("<title>{title}</title>")) && page.contains(&format!("<h1>{title}</h1>")));
    for file in ["index.html", "report.md"] {
        let told = text(&data, file).replace('\\', "");
        assert!(
            told.contains(
                "Caution: with a blank image its accuracy is 0.410 [0.360, 0.460], where guessing reaches 0.20; so much of its \
                 score needs no look at the image."
            ),
            "{file}"
        );
    }
    // Of another entry, the title says nothing.
    data.boards[0].rows.swap_remove(1);
    assert!(!headline(&data).contains("above chance"));
}

/// What a reader of the page reads, without markup: one line for each block.
fn words(page: &str) -> String {
    let body = page.split_once("<body>").unwrap().1;
    let mut text = String::new();
    let mut rest = body;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        let (name, after) = tag.split_once('>').unwrap();
        let name = name.trim_start_matches('/').split([' ', '/']).next().unwrap();
        text.push_str(match name {
            "span" | "b" | "code" => " ",
            "bdi" => "",
            "td" | "th" => "\t",
            _ => "\n",
        });
        // Drawings have snapshots of their own.
        rest = if name == "svg" && tag.starts_with("svg") { skip_drawing(after) } else { after };
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

/// What follows a drawing, which may have drawings inside.
fn skip_drawing(inside: &str) -> &str {
    let mut depth = 1;
    let mut rest = inside;
    while depth > 0 {
        let (open, close) = (rest.find("<svg"), rest.find("</svg>").unwrap());
        match open.filter(|open| *open < close) {
            Some(open) => (depth, rest) = (depth + 1, &rest[open + 4..]),
            None => (depth, rest) = (depth - 1, &rest[close + 6..]),
        }
    }
    rest
}

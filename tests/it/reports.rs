//! `cliptune report`: which runs, compared with what, and in which folder.

use fs_err as fs;
use serde_json::Value;

use crate::outputs::finished;
use crate::support::{Output, TestContext, output};

fn report(context: &TestContext, options: &[&str]) -> Output {
    output(context.command("cliptune").args(["report", "experiments"]).args(options))
}

fn names(report: &Value) -> Vec<&str> {
    report["experiments"].as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap()).collect()
}

#[test]
fn a_query_says_which_runs_and_the_plain_report_stays_as_it_is() {
    let context = finished();
    let plain = fs::read(context.path("runs/reports/experiments/index.html")).unwrap();
    let select = "SELECT run FROM runs WHERE experiment = 'tuned'";
    let shown = report(context, &["--select", select, "--json"]).succeeded().json();
    assert_eq!(names(&shown), ["tuned"]);
    let page = report(context, &["--select", select]).succeeded().stdout;
    assert!(page.contains("runs/reports/experiments-"), "{page}");
    let by_experiment = report(context, &["--select", "SELECT 'base' AS experiment", "--json"]);
    assert_eq!(names(&by_experiment.succeeded().json()), ["base"]);
    assert_eq!(fs::read(context.path("runs/reports/experiments/index.html")).unwrap(), plain);
}

#[test]
fn a_baseline_is_named_in_the_page_and_a_folder_can_be_handed_on() {
    let context = finished();
    let asked = ["--baseline", "tuned", "--to", "handed/on"];
    report(context, &asked).succeeded();
    for file in ["index.html", "report.md", "report.json", "accuracy.svg"] {
        assert!(context.path("handed/on").join(file).is_file(), "{file}");
    }
    let page = fs::read_to_string(context.path("handed/on/index.html")).unwrap();
    assert!(page.contains("cliptune report experiments --baseline=tuned"), "{page}");
    // Nothing else is scored on the same items in this store.
    assert!(page.contains("tuned: asked for as the baseline"), "{page}");
    report(context, &asked).succeeded();
    let other = report(context, &["--to", "handed/on"]).ended(2);
    assert!(other.stderr.contains("holds another report"), "{other}");
}

#[test]
fn whatever_no_report_wrote_stays_and_is_named() {
    let context = finished();
    report(context, &["--name", "keep"]).succeeded();
    let before = fs::read(context.path("runs/reports/keep/index.html")).unwrap();
    for (options, folder) in
        [(["--name", "keep"], "runs/reports/keep"), (["--to", "handed/over"], "handed/over")]
    {
        report(context, &options).succeeded();
        for foreign in ["notes.txt", "mine.svg"] {
            let path = context.path(folder).join(foreign);
            fs::write(&path, "mine").unwrap();
            let refused = report(context, &options).ended(2);
            assert!(refused.stderr.contains(&format!("holds {foreign}, which no report wrote")), "{refused}");
            assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
            fs::remove_file(path).unwrap();
        }
        report(context, &options).succeeded();
    }
    assert_eq!(fs::read(context.path("runs/reports/keep/index.html")).unwrap(), before);
}

#[test]
fn results_that_are_gone_are_made_again_and_what_stands_in_their_place_is_moved_away_by_hand() {
    let context = finished();
    let asked = ["--name", "mended"];
    report(context, &asked).succeeded();
    let results = context.path("runs/reports/mended/report.json");
    let before = fs::read(&results).unwrap();
    for damaged in [true, false] {
        fs::remove_file(&results).unwrap();
        if damaged {
            fs::write(&results, "{").unwrap();
        }
        report(context, &asked).succeeded();
        assert_eq!(fs::read(&results).unwrap(), before);
    }
    fs::remove_file(&results).unwrap();
    fs::create_dir(&results).unwrap();
    let refused = report(context, &asked).ended(2);
    assert!(refused.stderr.contains("holds report.json, which no report wrote"), "{refused}");
    assert!(refused.stderr.contains("hint: move it away"), "{refused}");
    fs::rename(&results, context.path("aside")).unwrap();
    report(context, &asked).succeeded();
    assert_eq!(fs::read(&results).unwrap(), before);
}

#[test]
fn another_order_of_experiments_is_another_report() {
    let context = finished();
    let of = |order: [&str; 2]| {
        output(context.command("cliptune").arg("report").args(order).args(["--name", "order"]))
    };
    let [base, tuned] = ["experiments/base.yaml", "experiments/tuned.yaml"];
    of([tuned, base]).succeeded();
    let refused = of([base, tuned]).ended(2);
    assert!(refused.stderr.contains("order holds another report"), "{refused}");
    of([tuned, base]).succeeded();
}

#[test]
fn images_of_pairs_are_shown_with_the_five_texts_nearest_to_them() {
    let page = fs::read_to_string(finished().path("runs/reports/experiments/index.html")).unwrap();
    let pairs = page.split_once("<section id=\"pairs\">").unwrap().1.split_once("</section>").unwrap().0;
    let cards: Vec<&str> = pairs.split("<ol class=\"choices ranked\">").skip(1).collect();
    assert!(cards.len() >= 4, "{}", cards.len());
    for card in cards {
        let (texts, rest) = card.split_once("</ol>").unwrap();
        assert_eq!(texts.matches("<li").count(), 5, "{card}");
        // Where no text of the image is near, its own is named with its rank.
        assert!(texts.contains("✓ hit") != rest.contains("own text, rank"), "{card}");
    }
    assert!(pairs.contains("data:image/jpeg;base64,"));
}

#[test]
fn mistakes_are_named_and_nothing_is_written() {
    let context = finished();
    let before = context.files("experiments");
    for (arguments, said) in [
        (["--baseline", "tunde"], "did you mean \"tuned\"?"),
        (["--baseline", "nobody"], "nobody is no experiment of this report"),
        (["--select", "SELECT seed FROM runs"], "its columns have to be `run` or `experiment`"),
        (["--select", "SELECT run FROM runs WHERE seed = 99"], "selects no run of these experiments"),
        (["--select", "DROP TABLE runs"], "error"),
        (["--select", "SELECT run FROM read_csv('/etc/passwd')"], "error"),
        (["--to", "experiments"], "experiments holds base.yaml and 1 other, which no report wrote"),
        (["--to", "experiments/base.yaml"], "experiments/base.yaml is a file, and no folder"),
        (["--name", "../elsewhere"], "cannot name a report after ../elsewhere"),
    ] {
        let refused = report(context, &arguments).ended(2);
        assert!(refused.stderr.contains(said), "{arguments:?}: {refused}");
    }
    assert_eq!(context.files("experiments"), before);
    assert!(!context.path("runs/elsewhere").exists());
}

#[test]
fn what_is_scored_on_the_same_data_elsewhere_makes_no_report_stale() {
    let context = TestContext::new();
    context.replace("experiments/tuned.yaml", "seeds: [0, 1]", "seeds: [0]");
    context.cliptune("run experiments").succeeded();
    let tuned = fs::read_to_string(context.path("experiments/tuned.yaml")).unwrap();
    let other = tuned.replace("name: tuned", "name: other").replace("seeds: [0]", "seeds: [7]");
    context.write("other/other.yaml", &other);
    fs::copy(context.path("experiments/base.yaml"), context.path("other/base.yaml")).unwrap();
    context.cliptune("run other").succeeded();
    assert_eq!(context.statuses("other"), ["done"]);
    let again = context.cliptune("run experiments").succeeded();
    assert!(again.stderr.contains("everything is fresh"), "{again}");
}

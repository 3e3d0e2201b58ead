//! A comparison as `--json` prints it.

use cliptune_compare::{Agreement, ItemOutcome, Outcome, Test, Verdict};
use cliptune_experiment::Split;
use cliptune_store::{Estimate, TestLookCounts, TestLooks};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::sides::Side;
use super::{Compared, text};

/// One side compared with the baseline.
#[derive(Serialize)]
struct Machine<'a> {
    a: &'a str,
    b: &'a str,
    runs: [Vec<String>; 2],
    split: Split,
    metric: &'static str,
    /// The number of items.
    n: usize,
    n_groups: usize,
    seeds: [usize; 2],
    #[serde(flatten)]
    agreement: Agreement,
    /// The metric of b minus that of a.
    delta: &'a Estimate,
    mcnemar_mid_p: Option<f64>,
    test: &'static str,
    p_value: f64,
    holm_p: f64,
    /// The smallest difference that would be found in four of five cases.
    detectable: Option<f64>,
    verdict: Verdict,
    /// How often the test split was looked at, where that is what is compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    test_looks: Option<TestLookCounts>,
    settings: Map<String, Value>,
    metrics: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Vec<ItemJson<'a>>>,
}

#[derive(Serialize)]
struct ItemJson<'a> {
    item_id: &'a str,
    id: &'a str,
    group: &'a str,
    outcome: Outcome,
    /// The right answer; pairs have none.
    label: Option<usize>,
    /// What each seed answered.
    a: Vec<Option<usize>>,
    b: Vec<Option<usize>>,
}

/// Returns the document: the comparison of two sides, or a list of them.
pub(super) fn document(compared: &Compared, with_items: bool) -> Value {
    let settings = text::settings(compared);
    let one = |at: usize| json!(machine(compared, at, &settings, with_items));
    match compared.others.len() {
        1 => one(0),
        several => (0..several).map(one).collect(),
    }
}

fn machine<'a>(
    compared: &'a Compared,
    at: usize,
    settings: &[text::Setting],
    with_items: bool,
) -> Machine<'a> {
    let baseline = &compared.baseline;
    let (side, comparison) = &compared.others[at];
    let judged = &comparison.judged;
    let differing = settings.iter().filter(|(_, values)| values[0] != values[at + 1]);
    let metric = |metric: &cliptune_compare::Measured| json!({ "a": metric.baseline, "b": metric.value, "delta": metric.delta, "lower_is_better": metric.is_lower_better });
    Machine {
        a: &baseline.name,
        b: &side.name,
        runs: [baseline.ids(), side.ids()],
        split: compared.split,
        metric: comparison.metric,
        n: comparison.n_items,
        n_groups: comparison.n_groups,
        seeds: [baseline, side].map(|side| side.answers.seeds.len()),
        agreement: comparison.agreement,
        delta: &judged.delta,
        mcnemar_mid_p: judged.mid_p(),
        test: test(judged.test),
        p_value: judged.p_value,
        holm_p: judged.holm_p,
        detectable: judged.detectable,
        verdict: judged.verdict,
        test_looks: compared.looks.as_ref().map(TestLooks::counts),
        settings: differing.map(|(key, values)| (key.clone(), json!([values[0], values[at + 1]]))).collect(),
        metrics: comparison.metrics.iter().map(|one| (one.name.to_owned(), metric(one))).collect(),
        items: with_items.then(|| items(baseline, side)),
    }
}

fn test(test: Test) -> &'static str {
    match test {
        Test::McNemar => "mcnemar mid-p",
        Test::Permutation(_) => "permutation over groups",
        Test::Resamples => "resamples",
    }
}

fn items<'a>(baseline: &'a Side, side: &'a Side) -> Vec<ItemJson<'a>> {
    let answered =
        |side: &Side, item: usize| side.answers.seeds.iter().map(|seed| seed[item].predicted()).collect();
    let found = ItemOutcome::of(&baseline.answers, &side.answers).into_iter().map(|found| {
        let one = &baseline.answers.items()[found.item];
        ItemJson {
            item_id: &one.item_id,
            id: &one.id,
            group: &one.group,
            outcome: found.outcome,
            label: one.label(),
            a: answered(baseline, found.item),
            b: answered(side, found.item),
        }
    });
    found.collect()
}

//! The metrics that sides can be compared in.

use cliptune_experiment::TaskKind;
use cliptune_statistics::range::{self, Range};
use cliptune_statistics::{Bootstrap, Statistic, TiedRank, Unusable};
use cliptune_store::{Answered, Chosen, Prediction};

/// A metric of answers.
#[derive(Clone, Copy)]
pub(crate) struct Metric {
    /// The name, as in `scores.json`.
    pub(crate) name: &'static str,
    /// What it is made of.
    pub(crate) of: Of,
}

/// What a metric is made of. The number of an item is not finite where its prediction does not tell.
#[derive(Clone, Copy)]
pub(crate) enum Of {
    /// The mean of how right each item is, from 0 to 1.
    Share(fn(&Prediction) -> f64),
    /// The mean of a number of each item, which is within a range.
    Mean(Range, fn(&Prediction) -> f64),
    /// A number of all items that is no mean.
    All(fn(&[Prediction]) -> Result<Statistic, Unusable>),
}

impl Metric {
    const fn new(name: &'static str, of: Of) -> Self {
        Self { name, of }
    }
}

const RIGHT: Of = Of::Share(|one| one.share);
/// The most classes of which a prediction keeps all: the likeliest ones.
const KEPT: usize = 5;

const LABEL_PROB: Metric = Metric::new("label_prob", Of::Mean(range::SHARE, |one| one.label_prob));
const NLL: Metric = Metric::new("nll", Of::Mean(range::LOSS, nll));
const BRIER: Metric = Metric::new("brier", Of::Mean(range::BRIER, brier));
const MRR: Metric = Metric::new("mrr", Of::Mean(range::SHARE, reciprocal_rank));
const ECE: Metric = Metric::new("ece", Of::All(ece));
const AURC: Metric = Metric::new("aurc", Of::All(aurc));

/// Returns the metrics of a kind of item, in the order of `scores.json`. The first is the one that is judged unless another one
/// is asked for.
pub(crate) fn metrics(task: TaskKind) -> Vec<Metric> {
    match task {
        TaskKind::Choice => vec![Metric::new("accuracy", RIGHT), LABEL_PROB, NLL, BRIER, ECE, MRR, AURC],
        TaskKind::Classes => vec![
            Metric::new("accuracy", RIGHT),
            Metric::new("top5_accuracy", Of::Share(|one| within(one.rank, 5.0))),
            Metric::new("balanced_accuracy", Of::All(balanced)),
            LABEL_PROB,
            NLL,
            BRIER,
            ECE,
            MRR,
            AURC,
        ],
        TaskKind::Pairs => vec![
            Metric::new("image_to_text_recall@1", RIGHT),
            Metric::new("image_to_text_recall@5", Of::Share(|one| within(one.rank, 5.0))),
            Metric::new("image_to_text_recall@10", Of::Share(|one| within(one.rank, 10.0))),
            Metric::new("text_to_image_recall@1", Of::Share(text_share)),
            Metric::new("text_to_image_recall@5", Of::Share(|one| within(text_rank(one), 5.0))),
            Metric::new("text_to_image_recall@10", Of::Share(|one| within(text_rank(one), 10.0))),
            Metric::new("image_to_text_median_rank", Of::All(|all| median(all, |one| one.rank))),
            Metric::new("text_to_image_median_rank", Of::All(|all| median(all, text_rank))),
        ],
    }
}

/// Returns -ln of the right candidate's probability. It is computed from the logits, where it is exact even for a probability
/// that underflows: a logit is the logarithm of its probability and a number that all candidates share.
fn nll(one: &Prediction) -> f64 {
    let Some(chosen) = one.chosen() else { return f64::NAN };
    if chosen.logits.is_empty() {
        return chosen.prob_of(chosen.label).map_or(f64::NAN, |prob| -prob.ln());
    }
    let logits = chosen.candidates.iter().zip(&chosen.logits).zip(&chosen.probs);
    let Some(((_, top), prob)) = logits.max_by(|((_, a), _), ((_, b), _)| a.total_cmp(b)) else {
        return f64::NAN;
    };
    let own = chosen.candidates.iter().position(|candidate| *candidate == chosen.label);
    own.map_or(f64::NAN, |own| top - prob.ln() - chosen.logits[own])
}

/// Returns the sum of squared distances between probabilities and the truth, where the probabilities of all candidates are
/// there: those of a choice, and of classes where there are no more than a prediction keeps.
fn brier(one: &Prediction) -> f64 {
    let chosen = match &one.answered {
        Answered::Choice(chosen) if !chosen.probs.is_empty() => chosen,
        Answered::Classes(chosen) if are_all_classes(&chosen.candidates) => chosen,
        _ => return f64::NAN,
    };
    let right = |candidate: &usize| f64::from(u8::from(*candidate == chosen.label));
    let probs = chosen.candidates.iter().zip(&chosen.probs);
    probs.map(|(candidate, prob)| (prob - right(candidate)).powi(2)).sum()
}

/// Returns whether the classes that a prediction keeps are all that there are, as far as it tells: those from the first on, without one
/// left out. Which classes have any probability is no matter, so that a metric does not come and go with how sure a model is.
fn are_all_classes(kept: &[usize]) -> bool {
    let are_first = kept.iter().all(|&class| class < kept.len());
    !kept.is_empty() && kept.len() <= KEPT && are_first
}

/// Returns the expected value of 1 / rank, where all candidates of an item are there, or the rank of its class.
fn reciprocal_rank(one: &Prediction) -> f64 {
    match &one.answered {
        Answered::Choice(chosen) if chosen.label < chosen.probs.len() => {
            TiedRank::new(scores(chosen), std::iter::once(chosen.label)).reciprocal_rank()
        }
        Answered::Classes(chosen) if one.rank.is_finite() => {
            rank_among_classes(chosen, one.rank).reciprocal_rank()
        }
        _ => f64::NAN,
    }
}

/// Returns what ranks the candidates: the logits, or the probabilities where an import has no logits because one of these is 0.
fn scores(chosen: &Chosen) -> &[f64] {
    if chosen.logits.is_empty() { &chosen.probs } else { &chosen.logits }
}

/// Returns the rank of the right class among all classes, from its expected value and from the likeliest classes, which a prediction
/// keeps. Where all of these score higher, so may others, and nothing tells how many: then it is taken to be tied with no other
/// class, or with one where the rank is a half one, which is wrong only where three classes are tied.
fn rank_among_classes(chosen: &Chosen, rank: f64) -> TiedRank {
    let own = chosen.candidates.iter().position(|candidate| *candidate == chosen.label);
    let scores = scores(chosen);
    let own = own.and_then(|own| scores.get(own));
    let above = own.map(|own| scores.iter().filter(|score| *score > own).count());
    let is_known = |above: &usize| above + 1 < chosen.candidates.len();
    let above = above.filter(is_known).unwrap_or((rank - 1.0).floor().max(0.0) as usize);
    TiedRank::of_expected(above, rank)
}

/// Returns whether a rank is among the first ones. In a tie, the prediction keeps the expected rank alone, and that decides.
fn within(rank: f64, depth: f64) -> f64 {
    if rank.is_nan() { f64::NAN } else { f64::from(u8::from(rank <= depth)) }
}

fn text_rank(one: &Prediction) -> f64 {
    one.retrieved().map_or(f64::NAN, |retrieved| retrieved.text_to_image_rank)
}

fn text_share(one: &Prediction) -> f64 {
    one.retrieved().map_or(f64::NAN, |retrieved| retrieved.text_to_image_share)
}

/// Returns the probability of the answer that was given, or NaN where the prediction does not tell it.
pub fn confidence(one: &Prediction) -> f64 {
    one.chosen().and_then(|chosen| chosen.prob_of(chosen.predicted)).unwrap_or(f64::NAN)
}

fn of_all(all: &[Prediction], of: fn(&Prediction) -> f64) -> Vec<f64> {
    all.iter().map(of).collect()
}

fn ece(all: &[Prediction]) -> Result<Statistic, Unusable> {
    Statistic::ece(&of_all(all, confidence), &of_all(all, |one| one.share), &Bootstrap::default())
}

fn aurc(all: &[Prediction]) -> Result<Statistic, Unusable> {
    Statistic::aurc(&of_all(all, confidence), &of_all(all, |one| one.share))
}

fn balanced(all: &[Prediction]) -> Result<Statistic, Unusable> {
    let classes: Vec<usize> = all.iter().filter_map(Prediction::label).collect();
    Statistic::balanced(&of_all(all, |one| one.share), &classes)
}

fn median(all: &[Prediction], of: fn(&Prediction) -> f64) -> Result<Statistic, Unusable> {
    Statistic::median(&of_all(all, of))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::tests::{chosen, prediction};
    use cliptune_store::{Retrieved, merit};

    #[test]
    fn numbers_of_an_item_are_those_that_scores_are_made_of() {
        // scipy: -log_softmax([1, 3, 2])[2] -> 1.407605964444380; ((softmax([1, 3, 2]) - [0, 0, 1]) ** 2).sum()
        let own = Chosen {
            label: 2,
            predicted: 1,
            candidates: vec![0, 1, 2],
            probs: vec![0.090_030_573_170_380_46, 0.665_240_955_774_821_8, 0.244_728_471_054_797_64],
            logits: vec![1.0, 3.0, 2.0],
        };
        let of = |chosen: Chosen| Prediction { answered: Answered::Choice(chosen), ..prediction(0, 0, 0.0) };
        let one = of(own.clone());
        assert!((nll(&one) - 1.407_605_964_444_38).abs() < 1e-12);
        assert!((brier(&one) - 1.021_086_115_780_809_3).abs() < 1e-12, "{}", brier(&one));
        assert_eq!((reciprocal_rank(&one), confidence(&one)), (0.5, 0.665_240_955_774_821_8));
        let without = Chosen { logits: Vec::new(), ..own.clone() };
        assert!((nll(&of(without.clone())) - 1.407_605_964_444_38).abs() < 1e-12);
        assert_eq!(reciprocal_rank(&of(without)), 0.5);
        let vanishing = Chosen { probs: vec![0.0, 1.0, 0.0], logits: vec![0.0, 1000.0, 1.0], ..own };
        assert_eq!(nll(&of(vanishing)), 999.0);
    }

    /// Returns what is kept of the answer to an item of classes: the five likeliest ones, and then the right one.
    fn of_classes(logits: &[f64], label: usize) -> Prediction {
        let exponents: Vec<f64> = logits.iter().map(|logit| logit.exp()).collect();
        let all: f64 = exponents.iter().sum();
        let mut candidates: Vec<usize> = (0..logits.len()).collect();
        candidates.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
        let right = candidates.iter().skip(5).copied().find(|&class| class == label);
        candidates.truncate(5);
        candidates.extend(right);
        let chosen = Chosen {
            label,
            predicted: candidates[0],
            probs: candidates.iter().map(|&class| exponents[class] / all).collect(),
            logits: candidates.iter().map(|&class| logits[class]).collect(),
            candidates,
        };
        let rank = TiedRank::new(logits, std::iter::once(label)).rank();
        Prediction { rank, answered: Answered::Classes(chosen), ..prediction(0, 0, 0.0) }
    }

    #[test]
    fn the_reciprocal_rank_of_a_class_is_that_among_all_classes() {
        for logits in
            [[3.0, 1.0, 2.0, 5.0, 4.0, 0.5, 0.0, -1.0], [3.0, 3.0, 3.0, 1.0, 1.0, 0.0, -1.0, -1.0], [2.0; 8]]
        {
            for label in 0..8 {
                let whole = TiedRank::new(&logits, std::iter::once(label)).reciprocal_rank();
                let found = reciprocal_rank(&of_classes(&logits, label));
                assert!((found - whole).abs() < 1e-12, "{logits:?} {label}: {found} {whole}");
            }
        }
    }

    #[test]
    fn the_brier_score_of_classes_is_told_where_all_of_them_are_kept() {
        // scipy: ((softmax([1, 3, 2]) - [0, 0, 1]) ** 2).sum()
        let few = brier(&of_classes(&[1.0, 3.0, 2.0], 2));
        assert!((few - 1.021_086_115_780_809_3).abs() < 1e-12, "{few}");
        let many = brier(&of_classes(&[1.0, 3.0, 2.0, 0.0, 0.5, 0.7, 0.1], 2));
        assert!(many.is_nan(), "{many}");
    }

    #[test]
    fn the_brier_score_of_many_classes_is_not_told_by_a_model_that_is_sure_either() {
        // Five of seven classes have all but 1e-13 of the probability, of which the class with the index 6 has the most.
        let sure = brier(&of_classes(&[0.0, 1.0, 2.0, 3.0, -30.0, -31.0, 30.0], 6));
        assert!(sure.is_nan(), "{sure}");
        // Of five classes it is told, whatever is lost of their probabilities.
        let mut five = of_classes(&[0.0, 1.0, 2.0, 3.0, 30.0], 4);
        if let Answered::Classes(chosen) = &mut five.answered {
            chosen.probs[0] -= 1e-5;
        }
        assert!(brier(&five).is_finite(), "{}", brier(&five));
    }

    #[test]
    fn better_answers_are_worth_more_in_every_metric() {
        let set = |task, is_right: bool| -> Vec<Prediction> {
            let share = f64::from(u8::from(is_right));
            let one = |item: usize| {
                let rank = if is_right { 1.0 } else { 19.0 };
                let answered = match task {
                    TaskKind::Pairs => Answered::Pairs(Retrieved {
                        text_to_image_share: share,
                        text_to_image_rank: rank,
                        logits: [3.0],
                    }),
                    TaskKind::Choice | TaskKind::Classes => Answered::Choice(chosen(share)),
                };
                Prediction { rank, answered, ..prediction(item, item, share) }
            };
            (0..30).map(one).collect()
        };
        for task in [TaskKind::Choice, TaskKind::Classes, TaskKind::Pairs] {
            let [right, wrong] = [true, false].map(|is_right| set(task, is_right));
            for metric in metrics(task) {
                let value = |all: &[Prediction]| match metric.of {
                    Of::Share(of) | Of::Mean(_, of) => all.iter().map(of).sum::<f64>() / all.len() as f64,
                    Of::All(of) => of(all).unwrap().value(),
                };
                let [right, wrong] = [&right, &wrong].map(|all| merit(metric.name, value(all)));
                assert!(right > wrong, "{}: {right} {wrong}", metric.name);
            }
        }
    }

    #[test]
    fn what_a_prediction_does_not_tell_is_no_number() {
        let bare = Chosen { candidates: vec![], probs: vec![], logits: vec![], ..chosen(1.0) };
        let bare = Prediction {
            label_prob: f64::NAN,
            rank: f64::NAN,
            answered: Answered::Choice(bare),
            ..prediction(0, 0, 1.0)
        };
        let is_told = |metric: &&Metric| match metric.of {
            Of::Share(of) | Of::Mean(_, of) => of(&bare).is_finite(),
            Of::All(of) => of(std::slice::from_ref(&bare)).is_ok(),
        };
        let told = |task| metrics(task).iter().filter(is_told).map(|metric| metric.name).collect::<Vec<_>>();
        assert_eq!(told(TaskKind::Choice), ["accuracy"]);
        assert_eq!(told(TaskKind::Classes), ["accuracy", "balanced_accuracy"]);
        assert_eq!(told(TaskKind::Pairs), ["image_to_text_recall@1"]);
    }

    #[test]
    fn both_directions_of_pairs_are_told() {
        let retrieved = Retrieved { text_to_image_share: 0.0, text_to_image_rank: 7.0, logits: [3.0] };
        let pair = Prediction { answered: Answered::Pairs(retrieved), ..prediction(0, 0, 1.0) };
        let value = |metric: Metric| match metric.of {
            Of::Share(of) | Of::Mean(_, of) => of(&pair),
            Of::All(of) => of(std::slice::from_ref(&pair)).unwrap().value(),
        };
        let values: Vec<f64> = metrics(TaskKind::Pairs).into_iter().map(value).collect();
        assert_eq!(values, [1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 7.0]);
    }
}

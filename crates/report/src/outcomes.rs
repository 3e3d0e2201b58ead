//! A page with the items that sides of a comparison won and lost against the baseline, each with its image.

use std::collections::{BTreeSet, HashMap};

use cliptune_compare::{Answers, ItemOutcome, Outcome};
use cliptune_documents::{folded, named};
use cliptune_experiment::Split;
use cliptune_store::{Dataset, ItemRef, Items, Run};
use cliptune_terminal::format::counted;
use maud::{Markup, html};

use crate::charts::theme;
use crate::data::{Answer, GalleryItem, Stratum};
use crate::error::ReportError;
use crate::page::{STYLE, item_picture, shown_texts};
use crate::summary::{SHOWN, answer, candidates, preprocessor, seen};

/// The most items of one outcome that a page shows of a side.
const MOST: usize = 48;

/// One side of a comparison.
pub struct ComparedSide<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its answers.
    pub answers: &'a Answers,
    /// What was found about it, in a sentence; nothing for the baseline.
    pub verdict: String,
}

/// What a page of a comparison shows.
pub struct Outcomes<'a> {
    /// The title of the page.
    pub title: String,
    /// The side that the others are compared with.
    pub baseline: ComparedSide<'a>,
    /// The others.
    pub others: Vec<ComparedSide<'a>>,
    /// The split whose items were answered.
    pub split: Split,
    /// The datasets that hold the items: one, or one for each fold.
    pub datasets: &'a [Dataset],
    /// A run whose model shows how images are prepared.
    pub run: &'a Run,
}

/// Returns the page.
///
/// # Errors
/// Returns an error when a dataset cannot be read.
pub fn outcomes_page(outcomes: &Outcomes<'_>) -> Result<String, ReportError> {
    let read = outcomes.datasets.iter().map(|dataset| dataset.columns(&[outcomes.split], SHOWN));
    let items = read.collect::<Result<Vec<Items>, _>>()?;
    let sections = outcomes.others.iter().map(|side| section(outcomes, side, &items)).collect::<Vec<_>>();
    let body = html! {
        main {
            p.kicker { b { "cliptune" } span { "compare" } }
            h1 { (outcomes.title) }
            @for section in &sections { (section) }
        }
    };
    Ok(cliptune_documents::page(&outcomes.title, &format!("{}{STYLE}", theme::css()), &body))
}

fn section(outcomes: &Outcomes<'_>, side: &ComparedSide<'_>, items: &[Items]) -> Markup {
    let found = ItemOutcome::of(outcomes.baseline.answers, side.answers);
    let of = |outcome: Outcome| {
        found.iter().filter(move |one| one.outcome == outcome).map(|one| one.item).collect()
    };
    html! {
        section {
            h2 { (named(side.name)) " against " (named(outcomes.baseline.name)) }
            p { (side.verdict) }
            (stratum(outcomes, side, items, "won", of(Outcome::Won)))
            (stratum(outcomes, side, items, "lost", of(Outcome::Lost)))
        }
    }
}

/// Returns the items of one outcome. Of many, nobody picks those that are shown: content hashes do.
fn stratum(
    outcomes: &Outcomes<'_>,
    side: &ComparedSide<'_>,
    items: &[Items],
    word: &str,
    mut places: Vec<usize>,
) -> Markup {
    let of = outcomes.baseline.answers.items();
    let all = places.len();
    places.sort_by_key(|&place| (&of[place].item_id, &of[place].id));
    places.truncate(MOST);
    let cards = cards(outcomes, side, items, &places);
    let rest =
        if all > cards.len() { format!(", of which {} are shown", cards.len()) } else { String::new() };
    html! {
        h3 { (counted(all as u64, "item")) " " (word) (rest) }
        div.gallery { @for item in &cards { (card(item, [outcomes.baseline.name, side.name])) } }
    }
}

fn cards(
    outcomes: &Outcomes<'_>,
    side: &ComparedSide<'_>,
    items: &[Items],
    places: &[usize],
) -> Vec<GalleryItem> {
    let of = outcomes.baseline.answers.items();
    let wanted: BTreeSet<&str> = places.iter().map(|&place| of[place].item_id.as_str()).collect();
    let found =
        items.iter().flat_map(|items| items.all().iter()).filter(|item| wanted.contains(item.item_id()));
    let by_id: HashMap<&str, ItemRef<'_>> = found.map(|item| (item.item_id(), item)).collect();
    let prepared = preprocessor(&outcomes.run.model_folder());
    let sides = [outcomes.baseline.answers, side.answers];
    let classes = outcomes.datasets.first().map_or(&[][..], |dataset| dataset.record().classes.as_slice());
    let card = |&place: &usize| {
        let item = *by_id.get(of[place].item_id.as_str())?;
        let (candidates, texts) = candidates(classes, item, &sides, place);
        Some(GalleryItem {
            item_id: of[place].item_id.clone(),
            id: of[place].id.clone(),
            group: item.group().to_owned(),
            stratum: Stratum::Gained,
            image: prepared.as_ref().map_err(Clone::clone).and_then(|how| seen(&item.image(), how)),
            label: candidates.iter().position(|&candidate| candidate == item.label())?,
            answers: sides.iter().map(|side| answer(side, place, &candidates)).collect(),
            texts,
        })
    };
    places.iter().filter_map(card).collect()
}

fn card(item: &GalleryItem, names: [&str; 2]) -> Markup {
    html! {
        article.item {
            header {
                span { "group " (named(&item.group)) }
                span { (named(&item.id)) }
            }
            (item_picture(&item.image, &item.id))
            ol.choices { @for index in shown_texts(item) { (text(item, names, index)) } }
        }
    }
}

fn text(item: &GalleryItem, names: [&str; 2], index: usize) -> Markup {
    let right = index == item.label;
    let votes = |answer: &Answer| answer.votes.get(index).copied().unwrap_or_default();
    let takers: Vec<_> = names.iter().zip(&item.answers).filter(|(_, answer)| votes(answer) > 0).collect();
    html! {
        li.correct[right] {
            span {}
            div {
                (folded(&item.texts[index]))
                @if right { " " span.tick { "✓ right" } }
                @if !takers.is_empty() {
                    div.votes { @for (name, answer) in takers { span.vote { (named(name)) (of_seeds(answer, votes(answer))) } } }
                }
            }
        }
    }
}

/// Returns how many of several seeds gave an answer.
fn of_seeds(answer: &Answer, votes: usize) -> String {
    match answer.votes.iter().sum::<usize>() {
        0 | 1 => String::new(),
        seeds => format!(" · {votes} of {seeds}"),
    }
}

//! The section with items from the test split and every experiment's answer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cliptune_documents::{beginning, folded, named};
use cliptune_experiment::TaskKind;
use cliptune_terminal::format::counted;
use maud::{Markup, html};

use super::colour_style;
use crate::data::{Answer, Gallery, GalleryItem, ReportData, Seen, Stratum, Thumbnail};
use crate::words;

/// The most texts of an item that are shown, unless more were given as answers.
const CHOICES: usize = 24;
/// The most letters of a name that stands for an image.
const ALT: usize = 120;

/// Returns the section with the items.
pub(super) fn section(data: &ReportData, gallery: &Gallery) -> Markup {
    html! {
        section #gallery {
            h2 { "Test items, and what each experiment chose" }
            p { (words::gallery_choice(data, gallery)) }
            @for (name, _) in gallery.strata.iter().filter(|(_, count)| count.shown > 0) {
                (stratum(data, gallery, *name))
            }
        }
    }
}

fn stratum(data: &ReportData, gallery: &Gallery, name: Stratum) -> Markup {
    let (headline, baseline) = words::gallery_names(data, gallery);
    html! {
        h3 { (words::stratum(name, headline, baseline)) }
        div.gallery {
            @for item in gallery.items.iter().filter(|item| item.stratum == name) { (card(data, gallery, item)) }
        }
    }
}

fn card(data: &ReportData, gallery: &Gallery, item: &GalleryItem) -> Markup {
    let shown = shown(item);
    let others = (item.texts.len() - shown.len()) as u64;
    html! {
        article.item {
            header {
                span { "group " (named(&item.group)) }
                span { (named(&item.id)) }
            }
            (picture(&item.image, &item.id))
            ol.choices {
                @for index in &shown { (choice(data, gallery, item, *index)) }
                @if others > 0 { li { span {} div.votes { "and " (counted(others, "other text")) } } }
            }
        }
    }
}

/// Returns the texts of an item that are shown, in their order: of many, the right one, those that were given as answers, and
/// the first ones.
pub(crate) fn shown(item: &GalleryItem) -> Vec<usize> {
    let is_needed =
        |index: &usize| *index == item.label || item.answers.iter().any(|answer| votes(answer, *index) > 0);
    let (mut shown, others): (Vec<usize>, Vec<usize>) = (0..item.texts.len()).partition(is_needed);
    let room = CHOICES.saturating_sub(shown.len());
    shown.extend(others.into_iter().take(room));
    shown.sort_unstable();
    shown
}

/// Returns the image of an item, or why there is none.
pub(crate) fn picture(seen: &Result<Seen, String>, id: &str) -> Markup {
    match seen {
        Ok(seen) => html! {
            div.picture.twice[seen.transparent.is_some()] {
                (image(&seen.as_model, &format!("Image of item {}", beginning(id, ALT))))
                @if let Some(whole) = &seen.transparent {
                    (image(whole, "The whole image, with what is transparent on a checkerboard"))
                }
            }
        },
        Err(reason) => html! { div.picture.none { div { "Image not shown: " (named(reason)) } } },
    }
}

fn image(thumbnail: &Thumbnail, alt: &str) -> Markup {
    html! {
        img src=(data_uri(thumbnail)) width=(thumbnail.width) height=(thumbnail.height) alt=(alt) loading="lazy";
    }
}

fn data_uri(thumbnail: &Thumbnail) -> String {
    format!("data:image/jpeg;base64,{}", STANDARD.encode(&thumbnail.jpeg))
}

fn choice(data: &ReportData, gallery: &Gallery, item: &GalleryItem, index: usize) -> Markup {
    let right = index == item.label;
    let answers = gallery.entries.iter().zip(&item.answers);
    let takers: Vec<_> = answers.filter(|(_, answer)| votes(answer, index) > 0).collect();
    html! {
        li.correct[right] {
            span.letter { @if data.boards[gallery.board].task == TaskKind::Choice { (words::letter(index)) } }
            div {
                (folded(&item.texts[index]))
                @if right { " " span.tick { "✓ right" } }
                @if !takers.is_empty() {
                    div.votes { @for (entry, answer) in takers { (vote(data, *entry, answer, index)) } }
                }
            }
        }
    }
}

fn votes(answer: &Answer, index: usize) -> usize {
    answer.votes.get(index).copied().unwrap_or_default()
}

fn vote(data: &ReportData, entry: usize, answer: &Answer, index: usize) -> Markup {
    let seeds: usize = answer.votes.iter().sum();
    let probability = answer.probs.get(index).copied().unwrap_or(f64::NAN);
    html! {
        span.vote style=(colour_style(data, entry)) {
            span.dot aria-hidden="true" {}
            span.name { (named(&data.entries[entry].name)) }
            span {
                (format!("{probability:.2}"))
                @if seeds > 1 { " · " (votes(answer, index)) " of " (seeds) }
            }
        }
    }
}

//! The section with items from the test split and every experiment's answer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cliptune_experiment::TaskKind;
use maud::{Markup, html};

use super::colour_style;
use crate::data::{Answer, Gallery, GalleryItem, ReportData, Stratum, Thumbnail};
use crate::words;

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
    html! {
        article.item {
            header {
                span { "group " (item.group) }
                span { (item.id) }
            }
            (picture(item))
            ol.choices { @for index in 0..item.texts.len() { (choice(data, gallery, item, index)) } }
        }
    }
}

fn picture(item: &GalleryItem) -> Markup {
    match &item.image {
        Ok(thumbnail) => html! {
            div.picture {
                img src=(data_uri(thumbnail)) width=(thumbnail.width) height=(thumbnail.height)
                    alt=(format!("Image of item {}", item.id)) loading="lazy";
            }
        },
        Err(reason) => html! { div.picture.none { "Image not shown: " (reason) } },
    }
}

fn data_uri(thumbnail: &Thumbnail) -> String {
    format!("data:image/jpeg;base64,{}", STANDARD.encode(&thumbnail.jpeg))
}

fn choice(data: &ReportData, gallery: &Gallery, item: &GalleryItem, index: usize) -> Markup {
    let right = index == item.label;
    let rows = data.boards[gallery.board].rows.iter().zip(&item.answers);
    let takers: Vec<_> = rows.filter(|(_, answer)| votes(answer, index) > 0).collect();
    html! {
        li.correct[right] {
            span.letter { @if data.boards[gallery.board].task == TaskKind::Choice { (words::letter(index)) } }
            div {
                (item.texts[index])
                @if right { " " span.tick { "✓ right" } }
                @if !takers.is_empty() {
                    div.votes { @for (row, answer) in takers { (vote(data, row.entry, answer, index)) } }
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
            span.name { (data.entries[entry].name) }
            span {
                (format!("{probability:.2}"))
                @if seeds > 1 { " · " (votes(answer, index)) " of " (seeds) }
            }
        }
    }
}

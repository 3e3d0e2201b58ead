//! The section with images of pairs and the texts that are nearest to them.

use cliptune_documents::{folded, named};
use maud::{Markup, html};

use super::gallery::picture;
use crate::data::{NearItem, PairsGallery, PairsItem, ReportData, Stratum};
use crate::words;

/// Returns the section with the images.
pub(super) fn section(data: &ReportData, gallery: &PairsGallery) -> Markup {
    let (entry, baseline) = words::pairs_names(data, gallery);
    let has = |stratum: Stratum| gallery.items.iter().any(|item| item.stratum == stratum);
    html! {
        section #pairs {
            h2 { "Test images, and the texts nearest to them" }
            p { (words::pairs_choice(entry)) }
            @for stratum in Stratum::ALL.into_iter().filter(|stratum| has(*stratum)) {
                h3 { (words::stratum(stratum, entry, baseline)) }
                div.gallery {
                    @for item in gallery.items.iter().filter(|item| item.stratum == stratum) { (card(item, baseline)) }
                }
            }
        }
    }
}

fn card(item: &PairsItem, baseline: Option<&str>) -> Markup {
    html! {
        article.item {
            header {
                span { "group " (named(&item.group)) }
                span { (named(&item.id)) }
            }
            (picture(&item.image, &item.id))
            ol.choices.ranked { @for near in &item.near { (text(near)) } }
            @if !item.near.iter().any(|near| near.is_hit) {
                div.votes { "own text, rank " (rank(item.ranks.0)) ": " (folded(&item.own)) }
            }
            @if let (Some(name), Some(found)) = (baseline, item.ranks.1) {
                div.votes { span { (named(name)) ": rank " (rank(found)) } }
            }
        }
    }
}

fn text(near: &NearItem) -> Markup {
    html! {
        li.correct[near.is_hit] {
            div {
                (folded(&near.text))
                @if near.is_hit { " " span.tick { "✓ hit" } }
                div.votes { (format!("{:.2}", near.prob)) }
            }
        }
    }
}

/// Returns an (expected) rank, which a tie leaves between two.
fn rank(rank: f64) -> String {
    if rank.fract() == 0.0 { format!("{rank:.0}") } else { format!("{rank:.1}") }
}

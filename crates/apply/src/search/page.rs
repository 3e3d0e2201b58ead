//! What was found as a page: one file without scripts and without network.

use std::path::Path;

use cliptune_clip::image::Picture;
use cliptune_documents::{beginning, folded, named};
use cliptune_sample::data_uri;
use cliptune_store::read_image;
use cliptune_terminal::format::{counted, in_one_line, visible};
use maud::{Markup, html};

use super::{Embeddings, Hit};
use crate::embed::Kind;

const STYLE: &str = include_str!("style.css");
/// The longer side of a picture in pixels.
const LONGEST: u32 = 320;
/// The most letters of a path that stands for an image.
const ALT: usize = 120;
/// The letters that all pictures of a page take together at most.
const ROOM: usize = 24 << 20;

/// Returns the page of what is nearest to a query.
pub fn page(embeddings: &Embeddings, query: &str, hits: &[Hit]) -> String {
    let mut room = ROOM;
    let shown: Vec<Markup> =
        (1..).zip(hits).map(|(rank, hit)| item(embeddings.kind(), rank, hit, &mut room)).collect();
    let count = counted(embeddings.rows() as u64, embeddings.kind().noun());
    let body = html! {
        main {
            h1 { (named(query)) }
            p.about { "nearest of " (count) ", by the cosine of " (named(embeddings.model())) }
            ol { @for item in shown { (item) } }
        }
    };
    cliptune_documents::page(query, STYLE, &body)
}

fn item(kind: Kind, rank: usize, hit: &Hit, room: &mut usize) -> Markup {
    html! {
        li {
            @if kind == Kind::Images { (picture(hit, room)) }
            p { b { (rank) } " " span.cosine { (format!("{:.4}", hit.cosine)) } " " (folded(&hit.name)) }
            @for other in &hit.also { p.also { "also " (folded(other)) } }
        }
    }
}

fn picture(hit: &Hit, room: &mut usize) -> Markup {
    match drawn(&hit.name, room) {
        Ok((picture, uri)) => html! {
            img src=(uri) width=(picture.width) height=(picture.height) alt=(beginning(&visible(&hit.name), ALT));
        },
        Err(problem) => html! { div.none { (named(&problem)) } },
    }
}

fn drawn(path: &str, room: &mut usize) -> Result<(Picture, String), String> {
    let bytes = read_image(Path::new(path)).map_err(|error| in_one_line(&error))?;
    let picture = Picture::decode(&bytes, LONGEST).map_err(|error| in_one_line(&error))?;
    let uri = data_uri(&picture)?;
    *room = room.checked_sub(uri.len()).ok_or("Not shown: the page has enough pictures.")?;
    Ok((picture, uri))
}

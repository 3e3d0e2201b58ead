//! Samples as a page: one file without scripts and without network.

use cliptune_documents::{beginning, folded, named};
use cliptune_terminal::format;
use maud::{Markup, html};

use crate::picture;
use crate::sample::{Sample, SampleImage, Samples};
use crate::words::{self, Field, Shown};

const STYLE: &str = include_str!("style.css");

/// The longer side of a picture in pixels.
const LONGEST: u32 = 640;

/// The most letters of a path that stands for an image.
const ALT: usize = 120;

/// The letters that all pictures of a page take together at most.
const ROOM: usize = 32 << 20;

/// Returns the whole page. An image that several samples in a row have is shown once.
pub(crate) fn page(samples: &Samples) -> String {
    let title = format!("{}: {}", samples.experiment, samples.what);
    let counted =
        format!("{} of {}", format::count(samples.samples.len() as u64), format::count(samples.total));
    let mut room = ROOM;
    let groups: Vec<Markup> = samples
        .samples
        .chunk_by(|one, other| one.image.is_some() && one.image == other.image)
        .map(|group| section(group, &mut room))
        .collect();
    let body = html! {
        main {
            h1 { (title) }
            p.count { (counted) }
            @for group in groups { (group) }
        }
    };
    cliptune_documents::page(&title, STYLE, &body)
}

fn section(group: &[Sample], room: &mut usize) -> Markup {
    html! {
        section {
            @if let Some(image) = group.first().and_then(|sample| sample.image.as_ref()) { (figure(image, room)) }
            div.rows { @for sample in group { (row(sample)) } }
        }
    }
}

fn figure(image: &SampleImage, room: &mut usize) -> Markup {
    let decoded = picture::decode(image, LONGEST);
    let path = format::visible(&image.path);
    let shown = decoded.as_ref().ok().map(|picture| {
        let uri = picture::data_uri(picture)?;
        *room = room.checked_sub(uri.len()).ok_or("Not shown: the page has enough pictures.")?;
        Ok::<_, String>((picture, uri))
    });
    html! {
        figure {
            @match shown {
                Some(Ok((picture, uri))) => { img src=(uri) width=(picture.width) height=(picture.height) alt=(beginning(&path, ALT)); }
                Some(Err(problem)) => { div.none { (named(&problem)) } }
                None => { div.none { "Not shown." } }
            }
            figcaption { b { (folded(&image.path)) } br; (words::image(image, decoded.as_ref())) }
        }
    }
}

fn row(sample: &Sample) -> Markup {
    let fields = sample.row.as_ref().map(words::fields).unwrap_or_default();
    html! {
        article {
            h2 { (folded(&words::outcome(sample))) }
            @if !fields.is_empty() { dl { @for field in &fields { (described(field)) } } }
        }
    }
}

fn described(Field { name, value }: &Field) -> Markup {
    html! {
        dt { (named(name)) }
        dd {
            @match value {
                Shown::One(value) => { (folded(value)) }
                Shown::List(list) => {
                    ol {
                        @for (at, value) in &list.elements {
                            @let is_right = list.right == Some(*at);
                            li.right[is_right] value=(at) { (folded(value)) @if is_right { " " span.tick { "✓ right" } } }
                        }
                        @if let Some(rest) = list.left_out() { li.rest { (rest) } }
                    }
                }
            }
        }
    }
}

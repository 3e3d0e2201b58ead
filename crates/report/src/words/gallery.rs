//! The sentences of the gallery.

use crate::data::{Gallery, PairsGallery, ReportData, Stratum};

/// Returns the name of a stratum, with the two entries it is about.
pub(crate) fn stratum(stratum: Stratum, headline: &str, baseline: Option<&str>) -> String {
    match (stratum, baseline) {
        (Stratum::Gained, Some(baseline)) => format!("{headline} right, {baseline} wrong"),
        (Stratum::Lost, Some(baseline)) => format!("{headline} wrong, {baseline} right"),
        (Stratum::BothRight, Some(_)) => "both right".to_owned(),
        (Stratum::BothWrong, Some(_)) => "both wrong".to_owned(),
        (Stratum::Gained | Stratum::BothRight, None) => format!("{headline} right"),
        (Stratum::Lost | Stratum::BothWrong, None) => format!("{headline} wrong"),
    }
}

/// Returns a description of how the gallery's items were chosen.
pub(crate) fn gallery_choice(data: &ReportData, gallery: &Gallery) -> String {
    let (headline, baseline) = gallery_names(data, gallery);
    let counts = gallery.strata.iter().filter(|(_, count)| count.items > 0).map(|(name, count)| {
        format!("{}: {} of {}", stratum(*name, headline, baseline), count.shown, count.items)
    });
    format!(
        "Nobody picked these: each outcome gives its first items in the order of their content hashes, at most one of \
         a group ({}). Numbers are the probability an experiment gave the text it chose. Images are as the model of {headline} \
         sees them, enlarged.",
        counts.collect::<Vec<_>>().join("; ")
    )
}

/// Returns the names of the entries that the gallery's strata are about.
pub(crate) fn gallery_names<'a>(data: &'a ReportData, gallery: &Gallery) -> (&'a str, Option<&'a str>) {
    let board = &data.boards[gallery.board];
    let name = |entry: usize| data.entries[entry].name.as_str();
    let headline = board.headline.or(board.rows.first().map(|row| row.entry)).map_or("", name);
    (headline, board.baseline.filter(|_| board.rows.len() > 1).map(name))
}

/// Returns a description of what the gallery of pairs shows.
pub(crate) fn pairs_choice(entry: &str) -> String {
    format!(
        "Nobody picked these: each outcome gives its first images in the order of their content hashes, at most one of a group. \
         “Right” is that a text of the image ranks first. Below each image are the five texts that {entry} finds nearest to it among \
         all texts of the split, each with its probability; texts that belong to the image are hits. Images are as the model of \
         {entry} sees them, enlarged."
    )
}

/// Returns the names of the entry and the baseline that a gallery of pairs is about.
pub(crate) fn pairs_names<'a>(data: &'a ReportData, gallery: &PairsGallery) -> (&'a str, Option<&'a str>) {
    let board = &data.boards[gallery.board];
    let name = |entry: usize| data.entries[entry].name.as_str();
    (name(gallery.entry), board.baseline.filter(|_| board.rows.len() > 1).map(name))
}

/// Returns the letter of a choice, from A to Z, or its number after those.
pub(crate) fn letter(index: usize) -> String {
    match u8::try_from(index) {
        Ok(index) if index < 26 => char::from(b'A' + index).to_string(),
        _ => (index + 1).to_string(),
    }
}

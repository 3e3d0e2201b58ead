//! Explains what ties a component together, so that the user can look at it and take it apart.

use std::collections::{HashMap, HashSet};

use cliptune_terminal::format::{count, counted};

use crate::components::{Components, Link, Tie, Unit};

/// The number of ties that are shown.
const SHOWN: usize = 3;
/// The length in characters of the longest text that is shown in full.
const LONGEST: usize = 60;

/// Describes in a few lines what ties the largest unit together.
pub(crate) fn told(links: &[Link<'_>], units: &Components<'_>, noun: &str) -> String {
    let Some(largest) = largest(&units.units) else { return String::new() };
    let rows: usize = units.units.iter().map(|unit| unit.size).sum();
    let unit = &units.units[largest];
    let mut told = format!(
        "the largest {noun} holds {} of {} ({:.0} %)",
        count(unit.size as u64),
        counted(rows as u64, "row"),
        100.0 * unit.size as f64 / rows.max(1) as f64,
    );
    if let [only] = unit.members[..] {
        return told + &format!("\nit is the group {}", shown(only));
    }
    told.push_str(&format!(" in {}, tied together by", counted(unit.members.len() as u64, "group")));
    let own: Vec<&Link<'_>> = links.iter().filter(|link| units.of(link.group) == Some(largest)).collect();
    for (tie, groups) in strongest(&own) {
        told.push_str(&format!("\n{} in {}", named(tie, &own), counted(groups as u64, "group")));
    }
    told
}

fn largest(units: &[Unit<'_>]) -> Option<usize> {
    (0..units.len()).reduce(|best, at| if units[at].size > units[best].size { at } else { best })
}

/// Returns the ties that the most groups share.
fn strongest<'a>(links: &[&Link<'a>]) -> Vec<(Tie<'a>, usize)> {
    let mut groups: HashMap<Tie<'a>, HashSet<&str>> = HashMap::new();
    for link in links {
        for tie in link.ties() {
            groups.entry(tie).or_default().insert(link.group);
        }
    }
    let counts = groups.into_iter().map(|(tie, groups)| (tie, groups.len()));
    let mut shared: Vec<(Tie<'_>, usize)> = counts.filter(|(_, groups)| *groups > 1).collect();
    shared.sort_by_key(|(tie, groups)| (std::cmp::Reverse(*groups), *tie));
    shared.truncate(SHOWN);
    shared
}

fn named(tie: Tie<'_>, links: &[&Link<'_>]) -> String {
    match tie {
        Tie::Text(text) => format!("the text {}", shown(text)),
        Tie::Image(identity) => {
            let file = links.iter().find(|link| link.image.identity == identity);
            format!("the image {}", shown(file.map_or("", |link| &link.image.relative)))
        }
    }
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

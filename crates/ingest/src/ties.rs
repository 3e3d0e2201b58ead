//! Explains what ties a component together, so that the user can look at it and take it apart.

use cliptune_experiment::SplitBy;
use cliptune_terminal::format::{count, counted};
use serde::Deserialize;

use crate::components::Components;
use crate::database::Database;
use crate::error::IngestError;
use crate::functions;

/// The number of ties that are shown.
const SHOWN: usize = 3;
/// The length in characters of the longest text that is shown in full.
const LONGEST: usize = 60;

/// Describes in a few lines what ties the largest unit together. The table `units` has their numbers.
pub(crate) fn told(
    database: &Database,
    by: &SplitBy,
    units: &Components,
    noun: &str,
) -> Result<String, IngestError> {
    let Some(largest) = largest(&units.sizes) else { return Ok(String::new()) };
    let rows: usize = units.sizes.iter().sum();
    let (size, groups) = (units.sizes[largest], units.groups[largest]);
    let told = format!(
        "the largest {noun} holds {} of {} ({:.0} %)",
        count(size as u64),
        counted(rows as u64, "row"),
        100.0 * size as f64 / rows.max(1) as f64,
    );
    if groups == 1 {
        let name: String = database.row(&format!(
            "SELECT CAST(to_json(name) AS VARCHAR) FROM groups JOIN units ON units.gid = groups.number WHERE unit = {largest}"
        ))?;
        return Ok(told + &format!("\nit is the group {}", shown(&name)));
    }
    let ties: String = strongest(database, by, largest)?
        .iter()
        .map(|tie| format!("\nthe {} {} in {}", tie.what, shown(&tie.value), counted(tie.groups, "group")))
        .collect();
    Ok(format!("{told} in {}, tied together by{ties}", counted(groups as u64, "group")))
}

fn largest(sizes: &[usize]) -> Option<usize> {
    (0..sizes.len()).reduce(|best, at| if sizes[at] > sizes[best] { at } else { best })
}

/// A value that connects groups.
#[derive(Deserialize)]
struct Tie {
    what: String,
    value: String,
    groups: u64,
}

/// Returns the ties of a unit that the most groups share: texts or values, images, and pictures, which are images that look
/// alike.
fn strongest(database: &Database, by: &SplitBy, unit: usize) -> Result<Vec<Tie>, IngestError> {
    let said = match by {
        SplitBy::Component { across, .. } if !across.is_empty() => "across",
        _ => "texts",
    };
    let alike = match by.holds_near_duplicates() {
        true => {
            "UNION ALL SELECT 'picture', arg_min(path, own.number), '', count(DISTINCT gid)
             FROM own JOIN images ON images.number = own.image JOIN alike ON alike.look = images.look
             GROUP BY cluster HAVING count(DISTINCT content) > 1"
        }
        false => "",
    };
    database.rows(&format!(
        "SELECT CAST(to_json({{'what': what, 'value': value, 'groups': groups}}) AS VARCHAR) FROM (
             WITH own AS (
                 SELECT outcomes.number, outcomes.gid, outcomes.image FROM outcomes JOIN units ON units.gid = outcomes.gid
                 WHERE unit = {unit} AND kept AND image IS NOT NULL)
             SELECT 'text' AS what, said AS value, '' AS hash, count(DISTINCT gid) AS groups
             FROM (SELECT gid, unnest(words.{said}) AS said FROM own JOIN words ON words.number = own.number)
             WHERE said IS NOT NULL AND len({says}) > 0 GROUP BY said
             UNION ALL
             SELECT 'image', arg_min(path, own.number), hash, count(DISTINCT gid)
             FROM own JOIN images ON images.number = own.image GROUP BY hash
             {alike})
         WHERE groups > 1 ORDER BY groups DESC, what DESC, hash, value LIMIT {SHOWN}",
        says = functions::said("[said]"),
    ))
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

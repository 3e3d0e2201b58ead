//! Finds what connects groups, and numbers the units that they make up.

use std::sync::Arc;

use cliptune_experiment::{DataPlan, Seed, SplitBy, Task};
use duckdb::arrow::array::{AsArray, Int32Array};
use duckdb::arrow::datatypes::{Int32Type, Int64Type, UInt64Type};

use super::images::columns;
use super::looks;
use crate::components::Components;
use crate::database::Database;
use crate::error::IngestError;
use crate::identity::{Anchor, anchor};

/// The rows that connect groups: all that `where` keeps and that have an image and a group, whether or not they become
/// items. Two datasets over the same rows are therefore connected in the same way, whatever each of them makes of a row.
const LINKED: &str = "outcomes WHERE kept AND image IS NOT NULL AND gid IS NOT NULL";

/// The number of units that are appended at once.
const BATCH: usize = 1 << 16;

/// The groups of the linked rows, by what connects them.
pub(crate) struct Links {
    /// The number of linked rows of each group. It is zero for a group that is in none.
    rows: Vec<usize>,
    /// Pairs of groups that share a text, a value or an image. All groups that share one are connected by its pairs.
    edges: Vec<[usize; 2]>,
}

impl Links {
    /// Finds what connects groups: the values of `split.across`, or else the texts, and always the images, together with
    /// those that look alike if that is asked for. Images of one class have to be in every split, so that a class
    /// connects nothing.
    pub(crate) fn find(database: &Database, plan: &DataPlan) -> Result<Self, IngestError> {
        let said = match (&plan.split.by, &plan.columns.task) {
            (SplitBy::Component { across, .. }, _) if !across.is_empty() => "across",
            (_, Task::Classes { .. }) => "CAST([] AS UBIGINT[])",
            _ => "said",
        };
        database.make(&format!(
            "CREATE VIEW ties AS SELECT gid, unnest({said}) AS tie FROM {LINKED};
             CREATE TABLE edges AS {texts} UNION {images};
             DROP VIEW ties",
            texts = edges("ties", "tie"),
            images = edges(&format!("(SELECT DISTINCT gid, content FROM {LINKED_IMAGES})"), "content"),
        ))?;
        if plan.split.by.holds_near_duplicates() {
            looks::make_clusters(database, LINKED_IMAGES)?;
            let alike = format!(
                "(SELECT DISTINCT gid, cluster FROM {LINKED_IMAGES} AS own JOIN alike ON alike.look = own.look)"
            );
            database.make(&format!("INSERT INTO edges {}", edges(&alike, "cluster")))?;
        }
        let mut links = Self { rows: Vec::new(), edges: Vec::new() };
        let groups: usize = database.row("SELECT CAST(count(*) AS VARCHAR) FROM groups")?;
        links.rows.resize(groups, 0);
        database.make(&format!(
            "CREATE TABLE sizes AS SELECT gid, count(*) AS rows FROM {LINKED} GROUP BY gid"
        ))?;
        database.stream("SELECT gid, rows FROM sizes", |batch| {
            let (groups, rows) =
                (batch.column(0).as_primitive::<Int32Type>(), batch.column(1).as_primitive::<Int64Type>());
            for (group, rows) in groups.values().iter().zip(rows.values()) {
                links.rows[*group as usize] = *rows as usize;
            }
        })?;
        database.stream("SELECT one, other FROM edges", |batch| {
            let [one, other] = [0, 1].map(|column| batch.column(column).as_primitive::<Int32Type>().values());
            links.edges.extend(one.iter().zip(other).map(|(one, other)| [*one as usize, *other as usize]));
        })?;
        database.make("DROP TABLE sizes; DROP TABLE edges")?;
        Ok(links)
    }

    /// Returns the components of groups that share something.
    pub(crate) fn components(&self) -> Components {
        Components::find(&self.rows, &self.edges)
    }

    /// Returns each group as a component of its own.
    pub(crate) fn groups(&self) -> Components {
        Components::find(&self.rows, &[])
    }
}

/// The images of the linked rows.
const LINKED_IMAGES: &str =
    "(SELECT gid, content, look FROM outcomes JOIN images ON images.number = outcomes.image
    WHERE kept AND gid IS NOT NULL)";

/// Returns the query of pairs of groups: each group that has a value, with the first one that has it.
fn edges(table: &str, value: &str) -> String {
    format!(
        "SELECT DISTINCT first AS one, gid AS other FROM {table} AS own
         JOIN (SELECT {value} AS shared, min(gid) AS first FROM {table} GROUP BY {value} HAVING min(gid) <> max(gid))
             ON shared = own.{value}
         WHERE gid <> first"
    )
}

/// Makes the table `units`: for each group of the linked rows, the connected component and the unit of the split.
pub(crate) fn number_units(
    database: &Database,
    connected: &Components,
    units: &Components,
) -> Result<(), IngestError> {
    database.make("CREATE TABLE units (gid INTEGER, component INTEGER, unit INTEGER)")?;
    let groups: Vec<usize> = (0..connected.of.len()).filter(|group| connected.of[*group].is_some()).collect();
    let number = |number: Option<u32>| number.map(u32::cast_signed);
    let batches = groups.chunks(BATCH).map(|groups| {
        columns(
            ["gid", "component", "unit"],
            [
                Arc::new(groups.iter().map(|group| *group as i32).collect::<Int32Array>()),
                Arc::new(groups.iter().map(|group| number(connected.of[*group])).collect::<Int32Array>()),
                Arc::new(groups.iter().map(|group| number(units.of[*group])).collect::<Int32Array>()),
            ],
        )
    });
    database.append("units", batches)
}

/// Returns the place of each unit, which the names of its groups and the seed decide.
pub(crate) fn anchors(
    database: &Database,
    units: &Components,
    seed: Seed,
) -> Result<Vec<Anchor>, IngestError> {
    let mut anchors: Vec<Option<Anchor>> = vec![None; units.sizes.len()];
    database.stream("SELECT number, name FROM groups", |batch| {
        let (numbers, names) =
            (batch.column(0).as_primitive::<Int32Type>(), batch.column(1).as_string::<i32>());
        for (row, number) in numbers.values().iter().enumerate() {
            if let Some(unit) = units.of[*number as usize] {
                let place = anchor(seed, names.value(row));
                let own = &mut anchors[unit as usize];
                *own = Some(own.map_or(place, |own| own.min(place)));
            }
        }
    })?;
    Ok(anchors.into_iter().map(Option::unwrap_or_default).collect())
}

/// Returns the place of each item, which its identity and the seed decide, in the order of `places` in the table `items`.
pub(crate) fn item_anchors(
    database: &Database,
    items: usize,
    seed: Seed,
) -> Result<Vec<Anchor>, IngestError> {
    let mut anchors = vec![Anchor::default(); items];
    database.stream("SELECT place, item FROM item_places", |batch| {
        let (places, items) =
            (batch.column(0).as_primitive::<Int64Type>(), batch.column(1).as_primitive::<UInt64Type>());
        for (place, item) in places.values().iter().zip(items.values()) {
            anchors[*place as usize] = anchor(seed, &format!("{item:016x}"));
        }
    })?;
    Ok(anchors)
}

/// Returns the number of each unit's stratum, which is the one that most of its linked rows are in.
pub(crate) fn strata(database: &Database, units: usize) -> Result<Vec<usize>, IngestError> {
    let rows = format!(
        "SELECT units.unit, cells.stratum, count(*) AS rows
         FROM (SELECT number, gid FROM {LINKED}) AS linked JOIN units ON units.gid = linked.gid
         JOIN cells ON cells.number = linked.number GROUP BY units.unit, cells.stratum"
    );
    numbered(
        database,
        units,
        &format!(
            "SELECT unit, first(stratum ORDER BY rows DESC, stratum) AS stratum FROM ({rows}) GROUP BY unit"
        ),
    )
}

/// Returns the number of each item's stratum, in the order of `item_places`.
pub(crate) fn item_strata(database: &Database, items: usize) -> Result<Vec<usize>, IngestError> {
    numbered(
        database,
        items,
        "SELECT place AS unit, stratum FROM item_places JOIN items ON items.item = item_places.item
         JOIN cells ON cells.number = items.number",
    )
}

/// Numbers strata in the order of their names. Rows without one are a stratum of their own.
fn numbered(database: &Database, units: usize, named: &str) -> Result<Vec<usize>, IngestError> {
    let mut strata = vec![0; units];
    let query = format!(
        "SELECT CAST(unit AS BIGINT), dense_rank() OVER (ORDER BY stratum NULLS FIRST) - 1 FROM ({named})"
    );
    database.stream(&query, |batch| {
        let [units, numbers] = [0, 1].map(|column| batch.column(column).as_primitive::<Int64Type>().values());
        for (unit, number) in units.iter().zip(numbers) {
            strata[*unit as usize] = *number as usize;
        }
    })?;
    Ok(strata)
}

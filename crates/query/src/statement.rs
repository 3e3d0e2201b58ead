//! What a statement is, as DuckDB's own parser sees it: one SELECT, over which views, naming which columns.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::database::Database;
use crate::error::QueryError;
use crate::views::View;

/// The functions that give rows and read nothing but their arguments.
const ROW_FUNCTIONS: [&str; 6] =
    ["generate_series", "range", "unnest", "repeat_row", "json_each", "json_tree"];
/// The functions whose one call can take any memory and any time, or that speak of the database and its machine.
const REFUSED: [&str; 12] = [
    "repeat",
    "lpad",
    "rpad",
    "bar",
    "list_resize",
    "array_resize",
    "current_setting",
    "getenv",
    "write_log",
    "json_execute_serialized_sql",
    "query",
    "query_table",
];

/// A statement that may be run.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) sql: String,
    pub(crate) views: BTreeSet<View>,
    /// The parts of the names of all columns that it mentions.
    pub(crate) columns: Vec<Vec<String>>,
}

impl Statement {
    /// Reads a statement without running it.
    pub(crate) fn read(database: &Database, sql: &str) -> Result<Self, QueryError> {
        let tree = tree(database, sql)?;
        let statements = tree["statements"].as_array().map_or(&[][..], Vec::as_slice);
        match statements {
            [] => Err(QueryError::NotOneSelect("there is no SQL to run")),
            // A comment could hide the end of the statement from what it is put into.
            [statement] => Self::of(&without_comments(database, sql)?, statement),
            _ => Err(QueryError::NotOneSelect("a query is one statement")),
        }
    }

    /// Reads a condition on one row.
    pub(crate) fn condition(database: &Database, sql: &str) -> Result<Self, QueryError> {
        const NO_CONDITION: QueryError = QueryError::NotOneCondition;
        if sql.trim().is_empty() {
            return Err(NO_CONDITION);
        }
        let tree = tree(database, &format!("SELECT (\n{sql}\n)"))?;
        let statements = tree["statements"].as_array().map_or(&[][..], Vec::as_slice);
        let [statement] = statements else { return Err(NO_CONDITION) };
        let node = &statement["node"];
        let is_bare = node["from_table"]["type"] == "EMPTY"
            && node["where_clause"].is_null()
            && node["select_list"].as_array().is_some_and(|columns| columns.len() == 1)
            && node["modifiers"].as_array().is_some_and(Vec::is_empty);
        let read = Self::of(sql, statement)?;
        if !is_bare || has_subquery(statement) { Err(NO_CONDITION) } else { Ok(read) }
    }

    fn of(sql: &str, statement: &Value) -> Result<Self, QueryError> {
        let mut names = Names::default();
        collect(statement, &mut names)?;
        let mut views = BTreeSet::new();
        for (name, is_plain) in names.tables {
            match View::named(&name) {
                Some(view) => drop(views.insert(view)),
                None if is_plain && names.own.contains(&name.to_lowercase()) => {}
                None => return Err(QueryError::NoView { similar: View::similar(&name), name }),
            }
        }
        Ok(Self { sql: sql.to_owned(), views, columns: names.columns })
    }
}

/// Returns the same statement without comments and semicolons.
fn without_comments(database: &Database, sql: &str) -> Result<String, QueryError> {
    let ended = sql.trim_end_matches(|letter: char| letter == ';' || letter.is_whitespace());
    match ended.contains("--") || ended.contains("/*") || ended.contains(';') {
        true => {
            database.text_of("SELECT json_deserialize_sql(json_serialize_sql(CAST(? AS VARCHAR)))", ended)
        }
        false => Ok(ended.to_owned()),
    }
}

/// Returns the tree of a text, which DuckDB makes of SELECT statements only.
fn tree(database: &Database, sql: &str) -> Result<Value, QueryError> {
    let text = database.text_of("SELECT CAST(json_serialize_sql(CAST(? AS VARCHAR)) AS VARCHAR)", sql)?;
    let tree: Value = serde_json::from_str(&text)
        .map_err(|_| QueryError::NotOneSelect("the query is nested too deeply"))?;
    match (tree["error"].as_bool(), tree["error_type"].as_str()) {
        (Some(false), _) => Ok(tree),
        (_, Some("not implemented")) => {
            Err(QueryError::NotOneSelect("a query is one SELECT and changes nothing"))
        }
        _ => {
            let said = tree["error_message"].as_str().unwrap_or("the query cannot be read");
            Err(QueryError::Sql { said: cliptune_terminal::format::visible(said), hint: None })
        }
    }
}

#[derive(Default)]
struct Names {
    /// The tables, and whether each is named without its schema, as one that the statement itself defines.
    tables: Vec<(String, bool)>,
    /// The names that the statement itself gives, in lower case.
    own: BTreeSet<String>,
    columns: Vec<Vec<String>>,
}

/// Collects the names in a tree, and refuses what reaches beyond the views.
fn collect(tree: &Value, names: &mut Names) -> Result<(), QueryError> {
    match tree {
        Value::Array(parts) => parts.iter().try_for_each(|part| collect(part, names)),
        Value::Object(parts) => {
            look_at(tree, names)?;
            parts.values().try_for_each(|part| collect(part, names))
        }
        _ => Ok(()),
    }
}

fn look_at(node: &Value, names: &mut Names) -> Result<(), QueryError> {
    let text = |key: &str| node[key].as_str().unwrap_or_default();
    if let Some(tables) = node["cte_map"]["map"].as_array() {
        names.own.extend(tables.iter().filter_map(|table| table["key"].as_str()).map(str::to_lowercase));
    }
    match text("type") {
        "BASE_TABLE" => names.tables.push((table_name(node), text("schema_name").is_empty())),
        "SHOW_REF" if node["query"].is_null() => {
            return Err(QueryError::NotOneSelect("a query is one SELECT over the views"));
        }
        "TABLE_FUNCTION" => {
            let name = node["function"]["function_name"].as_str().unwrap_or_default();
            if !ROW_FUNCTIONS.contains(&name.to_lowercase().as_str()) {
                return Err(QueryError::Function { name: name.to_owned() });
            }
        }
        "FUNCTION" if REFUSED.contains(&text("function_name").to_lowercase().as_str()) => {
            return Err(QueryError::Function { name: text("function_name").to_owned() });
        }
        "COLUMN_REF" => {
            let parts = node["column_names"].as_array().into_iter().flatten();
            names.columns.push(parts.filter_map(Value::as_str).map(str::to_owned).collect());
        }
        _ => {}
    }
    Ok(())
}

/// Returns the name of a table with its schema, unless that is the one that the views are in.
fn table_name(node: &Value) -> String {
    let parts =
        ["catalog_name", "schema_name", "table_name"].map(|key| node[key].as_str().unwrap_or_default());
    match parts {
        ["" | "memory", "" | "main", table] => table.to_owned(),
        parts => parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("."),
    }
}

fn has_subquery(tree: &Value) -> bool {
    match tree {
        Value::Array(parts) => parts.iter().any(has_subquery),
        Value::Object(parts) => tree["class"] == "SUBQUERY" || parts.values().any(has_subquery),
        _ => false,
    }
}

//! SQL that an experiment has: one expression, of its own table, that gives the same today and tomorrow.

use cliptune_store::sql_text;
use serde::Deserialize;

use crate::database::Database;
use crate::error::IngestError;
use crate::table::TABLE;

/// Tables that an expression can name in a query of its own.
const TABLES: [&str; 2] = [TABLE, "file"];
/// Functions that make rows of their arguments alone.
const ROWS: [&str; 5] = ["range", "generate_series", "unnest", "json_each", "json_tree"];
/// Functions that DuckDB holds to be constant, and that depend on the machine or on chance.
const UNSTABLE: [&str; 5] = ["current_setting", "getvariable", "version", "reservoir_quantile", "getenv"];
/// What SQL writes like a column and means as a function.
const KEYWORDS: [&str; 5] =
    ["current_timestamp", "current_date", "current_time", "localtime", "localtimestamp"];
/// Macros of DuckDB's own within each other.
const DEEPEST_MACRO: usize = 8;

/// SQL that the experiment has under `key`, as an operand: in parentheses, and what it is said to be.
///
/// The line break ends a comment. Anything but one expression is refused, so that no text in an experiment can end our
/// statement and start its own; and so is what gives another value each time, because a dataset is what its sources and
/// its recipe make of it. `columns` are the names that hide a keyword such as `current_date`.
pub(crate) fn operand(
    database: &Database,
    key: &'static str,
    sql: &str,
    columns: &[String],
) -> Result<String, IngestError> {
    let operand = format!("({sql}\n)");
    let refused =
        |problem: String| IngestError::Sql { key, sql: sql.to_owned(), problem: place_in(sql, problem) };
    let parsed = parse(database, &operand).map_err(|error| match error {
        IngestError::Database(problem) => refused(problem),
        other => other,
    })?;
    parsed.refusal(columns).map_or(Ok(()), |problem| Err(refused(problem)))?;
    match unstable(database, &parsed.functions, 0)? {
        Some(problem) => Err(refused(problem)),
        None => Ok(operand),
    }
}

/// Runs a statement that contains an [`operand`], and blames the expression if it fails.
pub(crate) fn execute_with(
    database: &Database,
    key: &'static str,
    sql: &str,
    statement: &str,
) -> Result<(), IngestError> {
    database.execute(statement).map_err(|problem| IngestError::Sql { key, sql: sql.to_owned(), problem })
}

/// What DuckDB says of an expression when asked to parse it.
#[derive(Deserialize)]
struct Parsed {
    problem: Option<String>,
    statements: Option<u64>,
    functions: Vec<String>,
    /// Names of columns, each a JSON array of its parts.
    columns: Vec<String>,
    /// Anything but null is a sample.
    samples: Vec<Option<String>>,
    tables: Vec<String>,
    /// Names of common table expressions.
    named: Vec<String>,
}

/// What is wrong with an expression, without the word of our own statement at which the parser noticed it.
fn place_in(sql: &str, problem: String) -> String {
    let token = problem.split("at or near \"").nth(1).and_then(|rest| rest.split('"').next());
    match token.is_some_and(|token| !sql.contains(token)) || problem.contains("at end of input") {
        true => "it ends before it is complete".to_owned(),
        false => problem,
    }
}

fn parse(database: &Database, operand: &str) -> Result<Parsed, IngestError> {
    // Not parsed where it will stand: what can end these parentheses and go on here cannot do so there.
    let statement = sql_text(&format!("SELECT CASE WHEN {operand} THEN 1 END"));
    let all = |key: &str| format!("coalesce(json_extract_string(parsed, '$..{key}'), [])");
    let query = format!(
        "SELECT CAST(to_json({{
            'problem': CASE parsed ->> 'error' WHEN 'true' THEN coalesce(parsed ->> 'error_message', '') END,
            'statements': json_array_length(parsed -> 'statements'),
            'functions': {}, 'columns': {}, 'samples': {}, 'tables': {},
            'named': coalesce(json_extract_string(parsed, '$..cte_map.map[*].key'), [])
         }}) AS VARCHAR) FROM (SELECT json_serialize_sql({statement}) AS parsed)",
        all("function_name"),
        all("column_names"),
        all("sample"),
        all("table_name"),
    );
    database.rows::<Parsed>(&query)?.into_iter().next().ok_or(IngestError::Changed)
}

impl Parsed {
    /// Why it is not one expression over the row.
    fn refusal(&self, columns: &[String]) -> Option<String> {
        if let Some(problem) = &self.problem {
            return Some(problem.clone());
        }
        if self.statements != Some(1) {
            return Some("not one expression".to_owned());
        }
        if self.samples.iter().any(Option::is_some) {
            return Some("a sample is another one each time, and a dataset has to be the same".to_owned());
        }
        let known = |table: &&String| TABLES.contains(&table.as_str()) || self.named.contains(table);
        if let Some(table) = self.tables.iter().find(|table| !known(table)) {
            return Some(format!("there is no table {table}, only {}", TABLES.join(" and ")));
        }
        let names = self.columns.iter().filter_map(|name| serde_json::from_str::<[String; 1]>(name).ok());
        let mut names = names.map(|[name]| name.to_lowercase());
        let keyword = names.find(|name| KEYWORDS.contains(&name.as_str()) && !columns.contains(name));
        keyword.map(|keyword| another_value(&keyword))
    }
}

fn another_value(function: &str) -> String {
    format!("{function} gives another value each time or elsewhere, and a dataset has to be the same")
}

/// What `duckdb_functions()` says of a function.
#[derive(Deserialize)]
struct Function {
    name: String,
    kind: String,
    stability: Option<String>,
    definition: Option<String>,
}

/// Why one of the functions cannot be used.
fn unstable(database: &Database, functions: &[String], depth: usize) -> Result<Option<String>, IngestError> {
    if functions.is_empty() || depth > DEEPEST_MACRO {
        return Ok(None);
    }
    let names: Vec<String> = functions.iter().map(|name| sql_text(&name.to_lowercase())).collect();
    let known: Vec<Function> = database.rows(&format!(
        "SELECT DISTINCT CAST(to_json({{'name': function_name, 'kind': function_type, 'stability': stability,
            'definition': macro_definition}}) AS VARCHAR)
         FROM duckdb_functions() WHERE lower(function_name) IN ({})",
        names.join(", ")
    ))?;
    for function in &known {
        let name = function.name.as_str();
        if function.stability.as_deref().is_some_and(|stability| stability != "CONSISTENT")
            || UNSTABLE.contains(&name)
        {
            return Ok(Some(another_value(name)));
        }
        let gives_rows = matches!(function.kind.as_str(), "table" | "table_macro" | "pragma");
        let is_also_plain = known.iter().any(|other| other.name == name && other.kind != function.kind);
        if gives_rows && !is_also_plain && !ROWS.contains(&name) {
            return Ok(Some(format!("{name} is not for the row of a table")));
        }
        if let ("macro", Some(definition)) = (function.kind.as_str(), &function.definition) {
            let parsed = parse(database, &format!("({definition}\n)"))?;
            let keyword =
                parsed.columns.iter().any(|name| KEYWORDS.iter().any(|keyword| name.contains(keyword)));
            if keyword || unstable(database, &parsed.functions, depth + 1)?.is_some() {
                return Ok(Some(another_value(name)));
            }
        }
    }
    Ok(None)
}

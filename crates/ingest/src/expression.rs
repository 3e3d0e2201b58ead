//! Checks the SQL of an experiment. It has to be a single expression over its own table that gives the same value
//! every time.

use cliptune_store::sql_text;
use serde::Deserialize;

use crate::database::Database;
use crate::error::IngestError;
use crate::problem::Problem;
use crate::table::TABLE;

/// The tables that an expression can name in a subquery.
const TABLES: [&str; 2] = [TABLE, "file"];
/// The functions that make rows from their arguments alone.
const ROWS: [&str; 5] = ["range", "generate_series", "unnest", "json_each", "json_tree"];
/// The functions that DuckDB regards as constant although they depend on the machine or on chance.
const UNSTABLE: [&str; 5] = ["current_setting", "getvariable", "version", "reservoir_quantile", "getenv"];
/// The names that SQL writes like columns but treats as functions.
const KEYWORDS: [&str; 5] =
    ["current_timestamp", "current_date", "current_time", "localtime", "localtimestamp"];
/// How the names of the functions begin that this crate adds to SQL for itself.
pub(crate) const OWN: &str = "cliptune_";
/// The depth to which DuckDB's own macros are followed when they use each other.
const DEEPEST_MACRO: usize = 8;

/// Returns the SQL that the experiment has under `key` as an operand in parentheses, after checking it.
///
/// The line break ends a comment. Anything but a single expression is refused, so that no text in an experiment can
/// end our statement and start one of its own. SQL that gives a different value each time is refused as well, because
/// a dataset has to follow from its sources and its recipe. `columns` are the column names, which can hide a keyword
/// such as `current_date`.
pub(crate) fn operand(
    database: &Database,
    key: &'static str,
    sql: &str,
    columns: &[String],
) -> Result<String, IngestError> {
    let operand = format!("({sql}\n)");
    let refused =
        |problem: Problem| IngestError::Sql { key, sql: sql.to_owned(), problem: place_in(sql, problem) };
    let parsed = parse(database, &operand).map_err(|error| match error {
        IngestError::Database(problem) => refused(problem),
        other => other,
    })?;
    parsed.refusal(columns).map_or(Ok(()), |problem| Err(refused(problem.into())))?;
    match unstable(database, &parsed.functions, 0)? {
        Some(problem) => Err(refused(problem.into())),
        None => Ok(operand),
    }
}

/// Runs a statement that contains an [`operand`], and attributes a failure to the expression.
pub(crate) fn execute_with(
    database: &Database,
    key: &'static str,
    sql: &str,
    statement: &str,
) -> Result<(), IngestError> {
    database.execute(statement).map_err(|problem| IngestError::Sql { key, sql: sql.to_owned(), problem })
}

/// Attributes what the database refuses to the expression of a key.
pub(crate) fn attributed(error: IngestError, key: &'static str, sql: &str) -> IngestError {
    match error {
        IngestError::Database(problem) => IngestError::Sql { key, sql: sql.to_owned(), problem },
        other => other,
    }
}

/// DuckDB's description of an expression that it was asked to parse.
#[derive(Deserialize)]
struct Parsed {
    problem: Option<String>,
    statements: Option<u64>,
    functions: Vec<String>,
    /// The names of columns, each as a JSON array of its parts.
    columns: Vec<String>,
    /// The sampling clauses. Any entry that is not null is a sample.
    samples: Vec<Option<String>>,
    tables: Vec<String>,
    /// The names of common table expressions.
    named: Vec<String>,
}

/// Returns what is wrong with an expression, without naming the word of our own statement at which the parser noticed
/// it.
fn place_in(sql: &str, problem: Problem) -> Problem {
    let Problem::Said(said) = &problem else { return problem };
    let token = said.split("at or near \"").nth(1).and_then(|rest| rest.split('"').next());
    match token.is_some_and(|token| !sql.contains(token)) || said.contains("at end of input") {
        true => "it ends before it is complete".into(),
        false => problem,
    }
}

fn parse(database: &Database, operand: &str) -> Result<Parsed, IngestError> {
    // The expression is parsed in a different context from the one in which it will be used. SQL that could close
    // these parentheses and continue here cannot do so there.
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
    /// Returns the reason why the SQL is not a single expression over the row, if it is not.
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

/// The description of a function in `duckdb_functions()`.
#[derive(Deserialize)]
struct Function {
    name: String,
    kind: String,
    stability: Option<String>,
    definition: Option<String>,
}

/// Returns the reason why one of the functions cannot be used, if there is one.
fn unstable(database: &Database, functions: &[String], depth: usize) -> Result<Option<String>, IngestError> {
    if functions.is_empty() || depth > DEEPEST_MACRO {
        return Ok(None);
    }
    if let Some(own) = functions.iter().find(|name| name.to_lowercase().starts_with(OWN)) {
        return Ok(Some(format!("there is no function {own}")));
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

//! Archives of samples, as WebDataset has them: files that follow each other and have one name up to the first dot of it.
//!
//! | column | what it holds |
//! |---|---|
//! | `__key__` | that name, with its folder |
//! | `__url__` | the path of the archive |
//! | `image` | the path of the first image, as `file.path` has it |
//! | `txt`, `cls`, … | the text of the file with that ending |
//! | `jpg`, `seg.png`, … | the path of the image with that ending |
//! | the keys of `.json` | their values |

use std::path::{Path, PathBuf};

use cliptune_store::{TarArchive, TarMember, is_image_name, is_text_name};
use serde_json::{Map, Value, json};

use super::folders::{IMAGE, extended};
use super::lines::Lines;
use super::{limits, unreadable};
use crate::database::Database;
use crate::error::IngestError;

/// Makes a table of archives whose paths below the folder of the images are given.
pub(super) fn load(database: &Database, files: &[PathBuf], names: &[String]) -> Result<String, IngestError> {
    let mut lines = Lines::begin(database)?;
    for (file, url) in files.iter().zip(names) {
        let archive = TarArchive::open(file)?;
        let mut samples = samples(archive.members()).into_iter();
        let appended = lines.append(|| {
            let Some((key, members)) = samples.next() else { return Ok(None) };
            let place = format!("sample {key}");
            let sample = Sample { archive: &archive, url, key, members };
            let object = sample.object().map_err(|problem| format!("{place}: {problem}"))?;
            Ok(Some((place, object)))
        });
        appended.map_err(|problem| unreadable(file, problem))?;
    }
    lines.finish(&files[0])
}

/// Divides files into samples. A name without a dot, or with one at its beginning, belongs to none.
fn samples(members: &[TarMember]) -> Vec<(&str, Vec<(String, &TarMember)>)> {
    let mut samples: Vec<(&str, Vec<(String, &TarMember)>)> = Vec::new();
    for member in members {
        let Some((key, ending)) = key_and_ending(member.name()) else { continue };
        let part = (ending.to_lowercase(), member);
        match samples.last_mut() {
            Some((last, parts)) if *last == key => parts.push(part),
            _ => samples.push((key, vec![part])),
        }
    }
    samples
}

fn key_and_ending(name: &str) -> Option<(&str, &str)> {
    let base = name.rfind('/').map_or(0, |slash| slash + 1);
    let dot = base + name[base..].find('.')?;
    (dot > base).then(|| (&name[..dot], &name[dot + 1..]))
}

/// The files of one row.
struct Sample<'a> {
    archive: &'a TarArchive,
    url: &'a str,
    key: &'a str,
    /// The files with their endings.
    members: Vec<(String, &'a TarMember)>,
}

impl Sample<'_> {
    /// Returns the row.
    fn object(&self) -> Result<String, String> {
        let path = |member: &TarMember| json!(format!("{}/{}", self.url, member.name()));
        let images: Vec<&(String, &TarMember)> =
            self.members.iter().filter(|(_, member)| is_image_name(Path::new(member.name()))).collect();
        let mut columns = vec![
            ("__key__".to_owned(), json!(self.key)),
            ("__url__".to_owned(), json!(self.url)),
            (IMAGE.to_owned(), images.first().map_or(Value::Null, |(_, member)| path(member))),
        ];
        columns.extend(images.iter().map(|(ending, member)| (ending.clone(), path(member))));
        let mut own = "{}".to_owned();
        for (ending, member) in self.members.iter().filter(|(_, member)| is_text_name(member.name())) {
            let text = self.text(member)?;
            match ending.as_str() {
                "json" => own = text,
                _ => columns.push((ending.clone(), json!(text))),
            }
        }
        merged(&columns, &own)
    }

    /// Returns the text of a file, without the line end that closes it.
    fn text(&self, member: &TarMember) -> Result<String, String> {
        if member.size() > limits::ROW as u64 {
            return Err(format!("{} is longer than {} MB", member.name(), limits::ROW >> 20));
        }
        let bytes = self.archive.read(member).map_err(|problem| problem.to_string())?;
        let text = String::from_utf8(bytes).map_err(|_| format!("{} is not UTF-8", member.name()))?;
        let line = text.strip_suffix('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
        Ok(line.map_or_else(|| text.clone(), str::to_owned))
    }
}

/// Returns the columns with the keys of a sample's own object. A key that is one of the columns gets another name, and an
/// object that is none is the column `json`.
fn merged(columns: &[(String, Value)], own: &str) -> Result<String, String> {
    let parsed: Value =
        serde_json::from_str(own).map_err(|problem| format!("its json is none: {problem}"))?;
    let Value::Object(object) = parsed else {
        let columns: Vec<(String, Value)> =
            columns.iter().cloned().chain([("json".to_owned(), parsed)]).collect();
        return Ok(extended(&columns, "{}"));
    };
    let is_column = |key: &str| columns.iter().any(|(column, _)| column == key);
    if !object.keys().any(|key| is_column(key)) {
        return Ok(extended(columns, own));
    }
    let renamed = object.into_iter().map(|(key, value)| match is_column(&key) {
        true => (format!("json.{key}"), value),
        false => (key, value),
    });
    Ok(extended(columns, &Value::from(renamed.collect::<Map<_, _>>()).to_string()))
}

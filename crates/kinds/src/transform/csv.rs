//! Tables as text: CSV and its relatives.
//!
//! **Invariant:** what is formatted and parsed again is the same table of texts.

use std::collections::HashMap;

use drawloom_blueprint::{ErrorClass, StepError, Value};

use super::text::text_of;
use crate::with::{self, invalid};

/// How a table is written.
pub(super) struct Options {
    delimiter: u8,
    header: Header,
}

enum Header {
    /// The first line has the names of the columns.
    First,
    /// There are no names: rows are lists.
    Without,
    /// The names are these, and stand in no line.
    Given(Vec<String>),
}

impl Options {
    /// The options beside the mode.
    pub(super) fn read(value: &Value) -> Result<Self, StepError> {
        let delimiter = match value.get("delimiter") {
            None | Some(Value::Null) => b',',
            Some(Value::Str(it)) if it.len() == 1 && !matches!(it.as_bytes()[0], b'"' | b'\n' | b'\r') => {
                it.as_bytes()[0]
            }
            Some(_) => return Err(invalid("`delimiter` is one ASCII character")),
        };
        let header = match value.get("header") {
            None | Some(Value::Null | Value::Bool(true)) => Header::First,
            Some(Value::Bool(false)) => Header::Without,
            Some(Value::List(names)) => Header::Given(names.iter().map(with::text).collect()),
            Some(_) => return Err(invalid("`header` is true, false or a list of names")),
        };
        Ok(Self { delimiter, header })
    }
}

/// A text as a list of rows: objects by the names of columns, or lists. All cells are texts.
pub(super) fn parse(text: &Value, options: &Options) -> Result<Value, StepError> {
    let text = text_of("csv parse", text)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(options.delimiter)
        .has_headers(matches!(options.header, Header::First))
        .flexible(true)
        .from_reader(text.as_bytes());
    let names: Option<Vec<String>> = match &options.header {
        Header::First => Some(reader.headers().map_err(|it| failed(&it))?.iter().map(str::to_owned).collect()),
        Header::Given(names) => Some(names.clone()),
        Header::Without => None,
    };
    let mut rows = Vec::new();
    for record in reader.into_records() {
        let record = record.map_err(|it| failed(&it))?;
        rows.push(match &names {
            None => record.iter().map(Value::from).collect(),
            Some(names) if names.len() == record.len() => {
                Value::object(names.iter().map(String::as_str).zip(record.iter().map(Value::from)))
            }
            Some(names) => {
                let line = record.position().map_or(0, csv::Position::line);
                let message = format!("the row in line {line} has {} cells for {} columns", record.len(), names.len());
                return Err(StepError::new(ErrorClass::Failed, message).with_code("transform"));
            }
        });
    }
    Ok(rows.into())
}

/// A list of rows, objects or lists, as a text with a line for each.
pub(super) fn format(rows: &Value, options: &Options) -> Result<Value, StepError> {
    let rows = rows
        .as_list()
        .ok_or_else(|| invalid(format!("`csv format` takes a list of rows, not a {}", rows.type_name())))?;
    let mut writer = csv::WriterBuilder::new().delimiter(options.delimiter).flexible(true).from_writer(Vec::new());
    let columns = match &options.header {
        Header::Given(names) => names.clone(),
        Header::First | Header::Without => columns(rows),
    };
    if !columns.is_empty() && !matches!(options.header, Header::Without) {
        writer.write_record(&columns).map_err(|it| failed(&it))?;
    }
    for row in rows.iter() {
        let cells: Vec<String> = match row {
            Value::List(cells) => cells.iter().map(cell).collect(),
            Value::Object(_) => columns.iter().map(|name| row.get(name).map(cell).unwrap_or_default()).collect(),
            other => return Err(invalid(format!("a row is an object or a list, not a {}", other.type_name()))),
        };
        writer.write_record(cells).map_err(|it| failed(&it))?;
    }
    let bytes = writer.into_inner().map_err(|it| StepError::new(ErrorClass::Failed, it.to_string()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned().into())
}

/// The names of all members of all rows, in the order in which they first occur.
fn columns(rows: &[Value]) -> Vec<String> {
    let mut seen: HashMap<&str, ()> = HashMap::new();
    let mut names = Vec::new();
    for row in rows.iter().filter_map(Value::as_object) {
        for (name, _) in row.iter() {
            if seen.insert(name, ()).is_none() {
                names.push(name.to_string());
            }
        }
    }
    names
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        other => with::text(other),
    }
}

fn failed(error: &csv::Error) -> StepError {
    StepError::new(ErrorClass::Failed, format!("the text is not CSV: {error}")).with_code("transform")
}

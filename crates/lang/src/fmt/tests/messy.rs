//! Documents as people write them: any indentation, any style, comments and blank lines everywhere.

use serde_json::Value as Json;

/// Writes values in a style that chance picks.
pub(super) struct Messy {
    state: u64,
    comments: usize,
    /// Whether what follows would belong to a block scalar.
    in_block: bool,
    /// Whether a block scalar has been written whose last lines count.
    keeps: bool,
    out: String,
}

impl Messy {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: seed | 1, comments: 0, in_block: false, keeps: false, out: String::new() }
    }

    pub(super) fn write(mut self, value: &Json) -> String {
        self.above(0);
        self.block(value, 0);
        self.above(0);
        // A document need not end its last line, but where a block scalar keeps it.
        if self.pick(4) == 0 && !std::mem::take(&mut self.keeps) {
            self.out.truncate(self.out.trim_end().len());
        }
        self.out
    }

    /// A number below `below`.
    fn pick(&mut self, below: u64) -> u64 {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) % below
    }

    fn spaces(&mut self, count: usize) {
        self.out.push_str(&" ".repeat(count));
    }

    fn comment(&mut self) {
        self.comments += 1;
        self.out.push_str(&format!("# note {}", self.comments));
    }

    /// Blank lines and comments before a line at `indent`.
    fn above(&mut self, indent: usize) {
        if std::mem::take(&mut self.in_block) {
            return;
        }
        while self.pick(4) == 0 {
            if self.pick(2) == 0 {
                let more = self.pick(3) as usize;
                self.spaces(indent + more);
                self.comment();
            }
            self.out.push('\n');
        }
    }

    /// The end of a line: nothing, spaces or a comment.
    fn end(&mut self) {
        match self.pick(6) {
            0 => self.out.push_str("  "),
            1 => {
                self.out.push_str("  ");
                self.comment();
            }
            _ => {}
        }
        self.out.push('\n');
    }

    /// The members of `value`, each on a line at `indent`.
    fn block(&mut self, value: &Json, indent: usize) {
        match value {
            Json::Object(members) => {
                for (name, value) in members {
                    self.above(indent);
                    self.spaces(indent);
                    let name = self.scalar(&name.as_str().into(), false);
                    self.out.push_str(&name);
                    self.out.push(':');
                    self.value(value, indent, false);
                }
            }
            Json::Array(items) => {
                for value in items {
                    self.above(indent);
                    self.spaces(indent);
                    self.out.push('-');
                    self.value(value, indent, true);
                }
            }
            _ => {}
        }
    }

    /// A value behind a key or dash at `indent`.
    fn value(&mut self, value: &Json, indent: usize, dash: bool) {
        let empty =
            value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(serde_json::Map::is_empty);
        let collection = !empty && (value.is_array() || value.is_object());
        if collection && self.pick(3) > 0 {
            self.end();
            let least = u64::from(dash || !value.is_array());
            let more = (least + self.pick(4)) as usize;
            self.block(value, indent + more);
        } else if collection || empty {
            self.out.push(' ');
            self.flow(value, indent + 1);
            self.end();
        } else if let Some(text) = value.as_str().filter(|it| block_text(it))
            && self.pick(2) == 0
        {
            let ends = text.len() - text.trim_end_matches('\n').len();
            let chomp = ["-", "", "+"][ends.min(2)];
            let more = 1 + self.pick(4) as usize;
            let digit = if !found(text) || self.pick(4) == 0 { more.to_string() } else { String::new() };
            self.out.push_str(&format!(" |{digit}{chomp}"));
            self.end();
            for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
                if !line.is_empty() {
                    self.spaces(indent + more);
                }
                self.out.push_str(line);
                self.out.push('\n');
            }
            self.in_block = true;
            self.keeps = true;
        } else {
            let more = 1 + self.pick(3) as usize;
            self.spaces(more);
            let text = self.scalar(value, false);
            self.out.push_str(&text);
            self.end();
        }
    }

    /// Maybe a new line, and maybe a comment before it.
    fn gap(&mut self, indent: usize) {
        match self.pick(8) {
            0 => {
                self.end();
                self.spaces(indent + 1);
            }
            1..=3 => self.out.push(' '),
            _ => {}
        }
    }

    fn flow(&mut self, value: &Json, indent: usize) {
        let (open, close) = match value {
            Json::Object(_) => ('{', '}'),
            Json::Array(_) => ('[', ']'),
            other => {
                let text = self.scalar(other, true);
                self.out.push_str(&text);
                return;
            }
        };
        self.out.push(open);
        self.gap(indent);
        let members: Vec<(Option<String>, Json)> = match value {
            Json::Object(it) => it.iter().map(|(name, value)| (Some(name.clone()), value.clone())).collect(),
            Json::Array(it) => it.iter().map(|value| (None, value.clone())).collect(),
            _ => Vec::new(),
        };
        for (at, (name, value)) in members.iter().enumerate() {
            if at > 0 {
                self.out.push(',');
                self.gap(indent);
            }
            if let Some(name) = name {
                let name = self.scalar(&name.as_str().into(), true);
                self.out.push_str(&name);
                self.out.push_str(": ");
            }
            self.flow(value, indent);
            self.gap(indent);
        }
        self.out.push(close);
    }

    fn scalar(&mut self, value: &Json, flow: bool) -> String {
        let Some(text) = value.as_str() else { return value.to_string() };
        let single = text.chars().all(|c| (' '..='~').contains(&c));
        let plain = text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(|c| c.is_ascii_lowercase() || (!flow && c == '/'))
            && !["true", "false", "null"].contains(&text);
        match self.pick(3) {
            0 if plain => text.to_owned(),
            1 if single => format!("'{}'", text.replace('\'', "''")),
            _ => super::super::yaml::quoted(text),
        }
    }
}

/// Whether a text can stand as a block scalar.
fn block_text(text: &str) -> bool {
    text.contains(|c: char| c != '\n') && text.chars().all(|c| c == '\n' || (' '..='~').contains(&c))
}

/// Whether the indentation of a block scalar is found from its first line.
fn found(text: &str) -> bool {
    !text.trim_start_matches('\n').starts_with(' ') && !text.lines().any(|it| !it.is_empty() && it.trim().is_empty())
}

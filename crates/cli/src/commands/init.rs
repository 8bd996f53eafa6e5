//! `drawloom init`: a first flow that runs.

use std::{fs::OpenOptions, io::Write};

use clap::Args;

use crate::{Done, failure::Failure, output};

const STARTER: &str = include_str!("starter.yaml");

/// Write a commented starter flow
#[derive(Args)]
#[command(
    after_help = "Examples:\n  drawloom init                 writes hello.yaml\n  drawloom init order-report    writes order-report.yaml"
)]
pub(crate) struct Init {
    /// The flow's name
    #[arg(default_value = "hello")]
    name: String,
}

impl Init {
    pub(crate) fn go(self) -> Done {
        let valid = self.name.len() <= 100
            && self.name.starts_with(|c: char| c.is_ascii_lowercase())
            && self.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_');
        if !valid {
            let message = format!("`{}` is no name for a flow", self.name);
            return Err(
                Failure::usage(message).help("use lower-case letters, digits, `-` and `_`, and begin with a letter")
            );
        }
        let path = format!("{}.yaml", self.name);
        let text = STARTER.replacen("name: hello", &format!("name: {}", self.name), 1);
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|it| {
            let failure = Failure::usage(format!("{path}: {it}"));
            if it.kind() == std::io::ErrorKind::AlreadyExists { failure.help("give another name") } else { failure }
        })?;
        output::note(&format!("wrote {path}; try:\n  drawloom run {path}\n  drawloom run {path} --input name=Ada"));
        Ok(0)
    }
}

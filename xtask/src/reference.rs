//! The generated pages of the book: what the built binary says of itself, and the index of error pages.
//!
//! **Invariant:** the binary is asked through its public commands, as a user would; nothing is known twice.

use std::{fmt::Write, path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::error_pages;

const NOTICE: &str = "<!-- Written by `cargo xtask codegen`. -->\n\n";

/// Each page's place in the folder of generated pages, and its text.
pub(crate) fn pages(root: &Path) -> Result<Vec<(String, String)>> {
    let drawloom = Drawloom::build(root)?;
    let mut pages = vec![
        ("cli.md".to_owned(), commands(&drawloom)?),
        ("errors.md".to_owned(), errors(root)?),
        ("flow.schema.json".to_owned(), format!("{}\n", serde_json::to_string_pretty(&drawloom.json(&["schema"])?)?)),
    ];
    pages.extend(kinds(&drawloom)?);
    Ok(pages)
}

/// The binary of this checkout.
pub(crate) struct Drawloom<'a> {
    root: &'a Path,
    program: String,
}

impl<'a> Drawloom<'a> {
    pub(crate) fn build(root: &'a Path) -> Result<Self> {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let args = ["build", "--quiet", "--locked", "--package", "drawloom", "--message-format", "json"];
        let output = Command::new(cargo).args(args).current_dir(root).output().context("cannot run cargo build")?;
        ensure!(output.status.success(), "drawloom does not build: {}", String::from_utf8_lossy(&output.stderr));
        let messages = output.stdout.split(|it| *it == b'\n');
        let artifacts = messages.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
        let program = artifacts.filter_map(|it| it["executable"].as_str().map(str::to_owned)).next_back();
        Ok(Self { root, program: program.context("cargo built no program")? })
    }

    /// A command in a folder, without settings from outside.
    pub(crate) fn at(&self, folder: &Path) -> Command {
        let mut command = Command::new(&self.program);
        let vars = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("DRAWLOOM_"));
        for (name, _) in vars {
            command.env_remove(name);
        }
        command.env("NO_COLOR", "1").env("COLUMNS", "100").current_dir(folder);
        command
    }

    /// What a command prints, wherever the pages are written.
    fn say(&self, args: &[&str]) -> Result<String> {
        let mut command = self.at(self.root);
        command.args(args);
        let output = command.output().with_context(|| format!("cannot run drawloom {}", args.join(" ")))?;
        let failed = || format!("drawloom {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), failed());
        String::from_utf8(output.stdout).context("drawloom prints text")
    }

    fn json(&self, args: &[&str]) -> Result<Value> {
        serde_json::from_str(&self.say(args)?).with_context(|| format!("drawloom {} prints no JSON", args.join(" ")))
    }
}

fn commands(drawloom: &Drawloom) -> Result<String> {
    let mut text = format!("{NOTICE}# Commands and options\n\nWhat each command says with `--help`.\n");
    command(drawloom, &mut Vec::new(), &mut text)?;
    Ok(text)
}

/// The section of a command, and of those below it.
fn command(drawloom: &Drawloom, path: &mut Vec<String>, text: &mut String) -> Result<()> {
    let args: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
    let help = drawloom.say(&args)?;
    let title = std::iter::once("drawloom").chain(path.iter().map(String::as_str)).collect::<Vec<_>>().join(" ");
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    write!(text, "\n## {title}\n\n```text\n{}\n```\n", lines.join("\n").trim_end())?;
    for name in subcommands(&help) {
        path.push(name);
        command(drawloom, path, text)?;
        path.pop();
    }
    Ok(())
}

/// The names under `Commands:` in a help text.
fn subcommands(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|it| *it != "Commands:").skip(1).take_while(|it| !it.trim().is_empty());
    let names = listed.filter_map(|it| it.strip_prefix("  ").filter(|it| !it.starts_with(' ')));
    names.filter_map(|it| it.split_whitespace().next()).filter(|it| *it != "help").map(str::to_owned).collect()
}

fn kinds(drawloom: &Drawloom) -> Result<Vec<(String, String)>> {
    let all = drawloom.json(&["kinds", "--json"])?;
    let all = all.as_array().context("drawloom kinds --json prints a list")?;
    let mut index = format!("{NOTICE}# Kinds of task steps\n\n| kind | done by | what it does |\n|---|---|---|\n");
    let mut pages = Vec::new();
    for kind in all {
        let field = |name: &str| kind[name].as_str().unwrap_or_default();
        let name = field("name");
        writeln!(index, "| [`{name}`](kind-{name}.md) | {} | {} |", place(field("placement")), field("summary"))?;
        let docs = drawloom.say(&["kinds", name])?;
        let schema = serde_json::to_string_pretty(&kind["with"])?;
        let page = format!("{NOTICE}{}\n\n## JSON Schema of `with`\n\n```json\n{schema}\n```\n", docs.trim_end());
        pages.push((format!("kind-{name}.md"), page));
    }
    pages.push(("kinds.md".to_owned(), index));
    Ok(pages)
}

fn place(placement: &str) -> &str {
    match placement {
        "inline" => "the engine, on the spot",
        "local" => "the process that owns the run",
        "worker" => "any worker",
        other => other,
    }
}

/// The list of the error pages, by their titles.
fn errors(root: &Path) -> Result<String> {
    let head = "Each has a page with its cause, a remedy and, where one is short, an example.";
    let mut text = format!("{NOTICE}# Errors and warnings\n\n{head}\n\n");
    for (name, title) in error_pages::titles(root)? {
        writeln!(text, "- [{title}](../errors/{name})")?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_read_off_the_help() {
        let help = "Usage: x\n\nCommands:\n  run     Run it\n          and more\n  resume  Go on\n  help    Print\n\nOptions:\n  -h\n";
        assert_eq!(subcommands(help), ["run", "resume"]);
    }
}

//! Flows from files, from standard input, or by their published name.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use drawloom_lang::{
    Code, Compiled, Diagnostic, KindInfo, Kinds, Optimise, Options, Placement, Source, child_path,
    foreign::{self, Loaded},
    sub_flow_files,
};

use crate::{failure::Failure, inputs, output};

/// The kinds of this installation, as the compiler knows them.
pub(crate) fn kinds() -> Kinds {
    Kinds::new(drawloom_kinds::catalogue().into_iter().map(|it| KindInfo {
        name: it.name.to_owned(),
        placement: placement(it.placement),
        place: place_of(it.name),
        schema: (&it.with).into(),
    }))
}

fn placement(it: drawloom_queue::Placement) -> Placement {
    match it {
        drawloom_queue::Placement::Inline => Placement::Inline,
        drawloom_queue::Placement::Local => Placement::Local,
        drawloom_queue::Placement::Worker => Placement::Worker,
    }
}

fn place_of(name: &'static str) -> Option<fn(&serde_json::Value) -> Placement> {
    // Only a transformation may be too heavy for the engine.
    (name == "transform").then_some(|with| placement(drawloom_kinds::placement("transform", with)))
}

/// Reads the document at `path`, `-` being standard input.
pub(crate) fn read(path: &Path) -> Result<Source, Failure> {
    read_checked(path)?.map_err(|it| problems(&[*it], &[]))
}

/// Reads the flow at `path`. A document of another tool is converted, and what did not survive that is said.
pub(crate) fn load(path: &Path) -> Result<Source, Failure> {
    let source = read(path)?;
    let Some(foreign) = foreign::load(&source) else { return Ok(source) };
    let lost = worth_saying(&foreign);
    if !lost.is_empty() {
        output::note(render(&lost, &[source]).trim_end());
    }
    Ok(foreign.source)
}

/// What a conversion has to say, but for new names; their meaning is kept.
pub(crate) fn worth_saying(foreign: &Loaded) -> Vec<Diagnostic> {
    foreign.warnings.iter().filter(|it| it.code != Code::ForeignRenamed).cloned().collect()
}

/// The same; a document that is no text is a diagnostic.
pub(crate) fn read_checked(path: &Path) -> Result<Result<Source, Box<Diagnostic>>, Failure> {
    let bytes = inputs::bytes_of(path)?;
    let name = path.to_string_lossy().into_owned();
    Ok(drawloom_lang::parse_bytes(&name, &bytes))
}

/// The documents that a flow uses as sub-flows, and those that they use, by path.
pub(crate) fn children(source: &Source) -> BTreeMap<String, Source> {
    let mut found = BTreeMap::new();
    let mut open = vec![source.clone()];
    while let Some(source) = open.pop() {
        let (Some(flow), _) = drawloom_lang::parse(&source) else { continue };
        for file in sub_flow_files(&flow) {
            let path = child_path(source.name(), &file.value);
            if found.contains_key(&path) {
                continue;
            }
            // A file that cannot be read is reported by the compiler, at its place.
            if let Ok(child) = read(&PathBuf::from(&path)) {
                found.insert(path, child.clone());
                open.push(child);
            }
        }
    }
    found
}

/// Compiles a document; warnings are shown, errors are the failure.
pub(crate) fn compile(source: &Source, optimise: Optimise) -> Result<Compiled, Failure> {
    let children = children(source);
    let options = Options { optimise, kinds: &kinds(), children: &children };
    let all = || -> Vec<Source> { std::iter::once(source.clone()).chain(children.values().cloned()).collect() };
    match drawloom_lang::compile(source, &options) {
        Ok(compiled) => {
            if !compiled.diagnostics.is_empty() {
                output::note(render(&compiled.diagnostics, &all()).trim_end());
            }
            Ok(compiled)
        }
        Err(diagnostics) => Err(problems(&diagnostics, &all())),
    }
}

/// The failure that these problems of documents are.
pub(crate) fn problems(diagnostics: &[Diagnostic], sources: &[Source]) -> Failure {
    Failure::diagnostics(render(diagnostics, sources), drawloom_lang::to_json(diagnostics, sources))
}

/// Diagnostics for people.
pub(crate) fn render(diagnostics: &[Diagnostic], sources: &[Source]) -> String {
    let colour = if console::colors_enabled_stderr() { drawloom_lang::Colour::On } else { drawloom_lang::Colour::Off };
    drawloom_lang::render(diagnostics, sources, colour)
}

/// The name and number that `name` or `name@version` says.
pub(crate) fn published_name(text: &str) -> Result<(String, Option<u32>), Failure> {
    let Some((name, number)) = text.split_once('@') else { return Ok((text.to_owned(), None)) };
    let number = number.parse().map_err(|_| Failure::usage(format!("`{number}` is not a version's number")))?;
    Ok((name.to_owned(), Some(number)))
}

//! Flows from files, from standard input, or by their published name.

use std::{
    collections::BTreeMap,
    io::Read,
    path::{Path, PathBuf},
};

use drawloom_lang::{
    Compiled, KindInfo, Kinds, Optimise, Options, Placement, Source, child_path, foreign::Severity, sub_flow_files,
};

use crate::{failure::Failure, output};

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

/// Reads the flow at `path`. A document of another tool is converted, and what that did is said.
pub(crate) fn load(path: &Path) -> Result<Source, Failure> {
    let source = read(path)?;
    Ok(converted(&source).unwrap_or(source))
}

/// The flow that a document of another tool stands for; none where it is a flow already.
pub(crate) fn converted(source: &Source) -> Option<Source> {
    let converted = foreign(source)?;
    for it in converted.report.iter().filter(|it| it.severity > Severity::Info) {
        output::note(&format!("{}: {it}", source.name()));
    }
    Some(Source::new(source.name(), drawloom_lang::fmt::to_yaml(&converted.flow)))
}

/// The same; a document that is no text is a diagnostic.
pub(crate) fn read_checked(path: &Path) -> Result<Result<Source, Box<drawloom_lang::Diagnostic>>, Failure> {
    let wrong = |why: &dyn std::fmt::Display| Failure::usage(format!("{}: {why}", path.display()));
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes).map_err(|it| wrong(&it))?;
    } else {
        bytes = std::fs::read(path).map_err(|it| wrong(&it))?;
    }
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
pub(crate) fn problems(diagnostics: &[drawloom_lang::Diagnostic], sources: &[Source]) -> Failure {
    Failure::diagnostics(render(diagnostics, sources), drawloom_lang::to_json(diagnostics, sources))
}

/// Diagnostics for people.
pub(crate) fn render(diagnostics: &[drawloom_lang::Diagnostic], sources: &[Source]) -> String {
    let colour = if console::colors_enabled_stderr() { drawloom_lang::Colour::On } else { drawloom_lang::Colour::Off };
    drawloom_lang::render(diagnostics, sources, colour)
}

/// The name and number that `name` or `name@version` says.
pub(crate) fn published_name(text: &str) -> Result<(String, Option<u32>), Failure> {
    let Some((name, number)) = text.split_once('@') else { return Ok((text.to_owned(), None)) };
    let number = number.parse().map_err(|_| Failure::usage(format!("`{number}` is not a version's number")))?;
    Ok((name.to_owned(), Some(number)))
}

/// What a document of another tool is as a flow; none where it is a flow, or nothing that is known.
pub(crate) fn foreign(source: &Source) -> Option<drawloom_lang::foreign::Converted> {
    let document = serde_json::from_str(source.text()).ok()?;
    drawloom_lang::foreign::convert(&document)
}

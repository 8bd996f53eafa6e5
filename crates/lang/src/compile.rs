//! The compiler's passes in their order, and sub-flows before the flows that use them.
//!
//! **Invariant:** a blueprint comes only from a document without errors; warnings ride along.

use std::{collections::BTreeMap, sync::Arc};

use drawloom_blueprint::{Blueprint, FlowHash, codec};

use crate::{
    Code, Diagnostic, Options, Source, Spanned, check, emit, limits,
    model::{Body, Child, Flow, FlowTarget},
    parse, raw,
};

/// A compiled flow.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// What runs.
    pub blueprint: Blueprint,
    /// The version's identity: the hash of the encoded blueprint.
    pub hash: FlowHash,
    /// Warnings.
    pub diagnostics: Vec<Diagnostic>,
    /// What each pass did.
    pub explain: Vec<PassReport>,
    /// The sub-flows in files, each compiled once, those that others use first.
    pub children: Vec<Arc<Compiled>>,
}

/// What a pass did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassReport {
    /// Its name.
    pub pass: &'static str,
    /// What it changed, one line each; empty where it found nothing to do.
    pub changes: Vec<String>,
}

/// Compiles a document and the sub-flows in files that it uses.
///
/// # Errors
/// All problems of the documents, warnings included, where one of them is an error.
pub fn compile(source: &Source, options: &Options) -> Result<Compiled, Vec<Diagnostic>> {
    let mut session = Session { options, done: BTreeMap::new(), order: Vec::new(), open: Vec::new() };
    let mut compiled = session.compile(source)?;
    compiled.children = session.order;
    Ok(compiled)
}

/// The sub-flow files that a flow names, as written, each at its first place.
#[must_use]
pub fn sub_flow_files(flow: &Flow) -> Vec<Spanned<String>> {
    let mut files: Vec<Spanned<String>> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    flow.each_step(&mut |step| {
        if let Body::Flow(it) = &step.body
            && let FlowTarget::File(path) = &it.target.value
            && seen.insert(path.as_str())
        {
            files.push(Spanned::new(path.clone(), it.target.span));
        }
    });
    files
}

/// The path of a sub-flow that the document at `parent` names as `written`: relative to the document's folder,
/// without `.` and, where possible, without `..`.
#[must_use]
pub fn child_path(parent: &str, written: &str) -> String {
    let folder = parent.rfind('/').map_or("", |at| &parent[..at]);
    let root = written.starts_with('/') || (parent.starts_with('/') && !written.starts_with('/'));
    let all = if written.starts_with('/') { written.to_owned() } else { format!("{folder}/{written}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in all.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|it| *it != "..") => {
                parts.pop();
            }
            ".." if root => {}
            it => parts.push(it),
        }
    }
    format!("{}{}", if root { "/" } else { "" }, parts.join("/"))
}

/// One call of [`compile`].
struct Session<'a> {
    options: &'a Options<'a>,
    /// What is known of each sub-flow that was tried, by path.
    done: BTreeMap<String, Result<Child, usize>>,
    order: Vec<Arc<Compiled>>,
    /// The flows that are being compiled, outermost first, with their names.
    open: Vec<(String, String)>,
}

impl Session<'_> {
    fn compile(&mut self, source: &Source) -> Result<Compiled, Vec<Diagnostic>> {
        let (flow, mut problems) = parse(source);
        let Some(mut flow) = flow else { return Err(problems) };
        raw::mark(&mut flow, self.options.kinds);
        self.open.push((child_path("", source.name()), flow.name.value.clone()));
        self.children(&mut flow, &mut problems);
        self.open.pop();
        check::check(&flow, self.options, &mut problems);
        finish(&mut problems, source);
        if problems.iter().any(Diagnostic::is_error) {
            return Err(problems);
        }
        let (blueprint, explain) = emit::emit(&flow, self.options);
        let hash = FlowHash::of(&codec::encode(&blueprint));
        Ok(Compiled { blueprint, hash, diagnostics: problems, explain, children: Vec::new() })
    }

    /// Compiles the sub-flows of a flow, and tells it what is known of them.
    fn children(&mut self, flow: &mut Flow, problems: &mut Vec<Diagnostic>) {
        for file in sub_flow_files(flow) {
            let path = child_path(flow.source.name(), &file.value);
            match self.child(&path, &file, problems) {
                Ok(child) => {
                    flow.children.insert(file.value, child);
                }
                Err(problem) => problems.push(*problem),
            }
        }
    }

    fn child(
        &mut self,
        path: &str,
        file: &Spanned<String>,
        problems: &mut Vec<Diagnostic>,
    ) -> Result<Child, Box<Diagnostic>> {
        let written = &file.value;
        if let Some((_, name)) = self.open.iter().find(|(open, _)| open == path) {
            return Ok(Child { name: name.clone(), hash: None, inputs: Vec::new(), outputs: Vec::new() });
        }
        let invalid = |errors: usize| {
            let message = format!("the sub-flow `{written}` has {errors} error{}", if errors == 1 { "" } else { "s" });
            Box::new(Diagnostic::new(Code::SubFlowInvalid, file.span, message))
        };
        if let Some(done) = self.done.get(path) {
            return done.clone().map_err(invalid);
        }
        if self.open.len() >= limits::SUB_FLOWS {
            let message = format!("sub-flows are nested deeper than {} levels", limits::SUB_FLOWS);
            return Err(Box::new(Diagnostic::new(Code::SubFlowTooDeep, file.span, message)));
        }
        let Some(source) = self.options.children.get(path) else {
            let message = format!("there is no sub-flow `{written}` beside this flow");
            let help = format!("the file would be `{path}`; a published flow is named `name` or `name@version`");
            return Err(Box::new(Diagnostic::new(Code::SubFlowUnknown, file.span, message).help(help)));
        };
        let result = match self.compile(source) {
            Ok(compiled) => {
                problems.extend(compiled.diagnostics.iter().cloned());
                let child = Child {
                    name: compiled.blueprint.flow.clone(),
                    hash: Some(compiled.hash),
                    inputs: compiled.blueprint.inputs.clone(),
                    outputs: compiled.blueprint.outputs.iter().map(|(name, _)| name.clone()).collect(),
                };
                self.order.push(Arc::new(compiled));
                Ok(child)
            }
            Err(theirs) => {
                let errors = theirs.iter().filter(|it| it.is_error()).count();
                problems.extend(theirs);
                Err(errors)
            }
        };
        self.done.insert(path.to_owned(), result.clone());
        result.map_err(invalid)
    }
}

/// Names the document in each problem that does not say, and sorts them by place.
pub(crate) fn finish(problems: &mut Vec<Diagnostic>, source: &Source) {
    for it in problems.iter_mut().filter(|it| it.path.is_empty()) {
        source.name().clone_into(&mut it.path);
    }
    // Problems of sub-flows come first, in the order in which they were compiled.
    problems.sort_by_key(|it| (it.path == source.name()).then_some((it.span.start, it.span.end, it.code)));
    problems.dedup();
    if problems.len() > limits::DIAGNOSTICS {
        // Warnings give way, so that a document with errors never seems to have none.
        problems.sort_by_key(|it| !it.is_error());
        problems.truncate(limits::DIAGNOSTICS);
    }
}

#[cfg(test)]
mod tests {
    use super::child_path;

    #[test]
    fn child_paths_are_relative_to_the_document() {
        for (parent, written, path) in [
            ("flow.yaml", "./child.yaml", "child.yaml"),
            ("a/b/flow.yaml", "./child.yaml", "a/b/child.yaml"),
            ("a/b/flow.yaml", "../c/child.yaml", "a/c/child.yaml"),
            ("/a/flow.yaml", "../../../x.yaml", "/x.yaml"),
            ("a/flow.yaml", "../../x.yaml", "../x.yaml"),
            ("a/flow.yaml", "/x.yaml", "/x.yaml"),
            ("-", "./x.yaml", "x.yaml"),
        ] {
            assert_eq!(child_path(parent, written), path);
        }
    }
}

//! Maps.

use drawloom_blueprint::{StepError, Value};
use drawloom_lang::{
    Node,
    model::{ForEach, OnFailure},
};

use super::{
    At, Said, Unsaid,
    blocks::{Block, Inner, Vars},
    steps::{FrameEnd, Interpreter, Left, Undo},
};

/// Items under way at once where nothing says.
const CONCURRENCY: usize = 256;

/// What a map goes over, and how many items at once.
type Items = (Vec<Value>, usize);

impl<'a> Interpreter<'a> {
    pub(super) fn for_each(&mut self, block: &Block<'_>, it: &'a ForEach) -> Said<Inner> {
        let (items, limit) = match self.items(block, it) {
            Ok(it) => it,
            Err(error) => return Ok(Inner::now(block.start, Err(error))),
        };
        let goes_on = it.on_failure.is_some_and(|it| it.value == OnFailure::Continue);
        let mut lefts: Vec<Left> = Vec::new();
        // Items under way, and the log of those that were left.
        let (mut open, mut gone): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
        let mut at = block.start;
        while lefts.len() < items.len() {
            if open.len() >= limit {
                let Some(first) = open.iter().copied().min_by_key(|no| lefts[*no].at) else { break };
                open.retain(|it| *it != first);
                gone.push(first);
                at = lefts[first].at;
                // Which of two that are left at once is seen first makes a difference where one of them failed.
                let failed = |no: &usize| lefts[*no].at <= at && !matches!(lefts[*no].end, FrameEnd::Succeeded(_));
                if !goes_on && open.iter().any(failed) {
                    return Err(Unsaid(format!("an item of `{}` fails as another one is left", block.path)));
                }
                let gives_up = !goes_on && matches!(lefts[first].end, FrameEnd::Failed(_));
                if gives_up || lefts[first].stopped || at > block.cut.instant() {
                    break;
                }
            }
            let no = lefts.len();
            let mut vars = Vars::from([(it.item_name().to_owned(), Some(items[no].clone()))]);
            if let Some(index) = &it.index {
                vars.insert(index.value.clone(), i64::try_from(no).ok().map(Value::from));
            }
            let mut frame = block.inner(&format!("[{no}]"), vars, at);
            frame.handled |= goes_on;
            // What was left before this one could be entered stands before it in the log.
            let entered_at_once = gone.is_empty();
            if !entered_at_once {
                let first = self.log.len();
                frame.after.extend((0..first).filter(|it| is_of(&self.log[*it].path, block.path, &gone)));
            }
            lefts.push(self.frame(&it.body, &frame, Undo::Elsewhere)?);
            open.push(no);
        }
        map_end(block, &lefts, items.len(), goes_on)
    }

    fn items(&self, block: &Block<'_>, it: &ForEach) -> Result<Items, StepError> {
        let scope = &block.frame.scope;
        let items: Vec<Value> = match scope.node(&it.items, block.start)? {
            Value::List(it) => it.to_vec(),
            Value::Object(it) => {
                let pair = |(key, value): &(std::sync::Arc<str>, Value)| {
                    Value::object([("key", Value::Str(key.clone())), ("value", value.clone())])
                };
                it.iter().map(pair).collect()
            }
            _ => return Err(StepError::invalid("neither list nor object").with_code("for_each")),
        };
        let count = |node: &Node| match scope.node(node, block.start)? {
            Value::Int(it) if it >= 1 => Ok(usize::try_from(it).unwrap_or(usize::MAX)),
            _ => Err(StepError::invalid("no count").with_code("for_each")),
        };
        let own = it.concurrency.as_ref().map(count).transpose()?;
        let batch = it.batch.as_ref().map(count).transpose()?;
        let run = self.flow.limits.parallel_steps.map(|it| it.value as usize);
        let items = match batch {
            Some(size) => items.chunks(size).map(|it| it.iter().cloned().collect()).collect(),
            None => items,
        };
        Ok((items, own.or(run).unwrap_or(CONCURRENCY)))
    }
}

/// Whether a path is inside one of these items of the map.
fn is_of(path: &str, map: &str, items: &[usize]) -> bool {
    items.iter().any(|no| path.starts_with(&format!("{map}[{no}].")))
}

fn map_end(block: &Block<'_>, lefts: &[Left], total: usize, goes_on: bool) -> Said<Inner> {
    let at: At = lefts.iter().map(|it| it.at).max().unwrap_or(block.start);
    let failed = |it: &&Left| matches!(it.end, FrameEnd::Failed(_));
    let first = lefts.iter().filter(failed).min_by_key(|it| it.at);
    let stopped = lefts.iter().any(|it| it.stopped) || at > block.cut.instant();
    let value = match first {
        Some(first) if !goes_on => {
            if lefts.iter().filter(failed).filter(|it| it.at == first.at).count() > 1 {
                return Err(Unsaid(format!("two items of `{}` fail at once", block.path)));
            }
            match &first.end {
                FrameEnd::Failed(error) => Err(error.clone()),
                _ => Ok(Value::Null),
            }
        }
        _ => {
            let output = |no: usize| match lefts.get(no).map(|it| &it.end) {
                Some(FrameEnd::Succeeded(it)) => it.clone(),
                _ => Value::Null,
            };
            Ok((0..total).map(output).collect())
        }
    };
    Ok(Inner { at, value, stopped })
}

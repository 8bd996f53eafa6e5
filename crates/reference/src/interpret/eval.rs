//! The values of expressions, and what names stand for.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, sync::Arc};

use drawloom_blueprint::{
    ExprIx, StepError, Timestamp, Value,
    expr::{Expr, FUNCTIONS, Found, Names, eval, push_text},
};
use drawloom_lang::{
    Data, Node,
    node::Members,
    template::{Part, Template},
};

use super::At;

/// The names of a list and of those around it.
#[derive(Clone)]
pub(super) struct Scope(Rc<Names_>);

struct Names_ {
    outer: Option<Scope>,
    /// Variables; those without a value are known to have none.
    vars: BTreeMap<String, Option<Value>>,
    /// Steps of the list that have ended, with their outputs where they have one.
    steps: RefCell<BTreeMap<String, (At, Option<Value>)>>,
}

impl Scope {
    pub(super) fn new(outer: Option<&Self>, vars: BTreeMap<String, Option<Value>>) -> Self {
        Self(Rc::new(Names_ { outer: outer.cloned(), vars, steps: RefCell::default() }))
    }

    /// Notes the end of a step of the list.
    pub(super) fn ended(&self, id: &str, end: At, output: Option<Value>) {
        self.0.steps.borrow_mut().insert(id.to_owned(), (end, output));
    }

    fn find(&self, name: &str, now: At) -> Option<Value> {
        if let Some((end, output)) = self.0.steps.borrow().get(name) {
            return output.clone().filter(|_| *end <= now);
        }
        match self.0.vars.get(name) {
            Some(it) => it.clone(),
            None => self.0.outer.as_ref()?.find(name, now),
        }
    }

    /// The value of a part of the document at an instant.
    pub(super) fn node(&self, node: &Node, now: At) -> Result<Value, StepError> {
        match &node.data {
            Data::Text(text) => {
                let template = Template::parse(text, &mut Vec::new());
                if let Some(it) = template.single() {
                    return self.expression(it.source, now);
                }
                let mut out = String::new();
                for part in &template.parts {
                    match part {
                        Part::Plain(it) => out.push_str(it),
                        Part::Expr(it) => push_text(&mut out, &self.expression(it.source, now)?),
                    }
                }
                Ok(out.into())
            }
            Data::List(items) => items.iter().map(|it| self.node(it, now)).collect(),
            Data::Object(members) => self.members(members, now),
            _ => Ok(node.to_value()),
        }
    }

    pub(super) fn members(&self, members: &Members, now: At) -> Result<Value, StepError> {
        let members = members.iter().map(|(name, it)| Ok((name.value.as_str(), self.node(it, now)?)));
        Ok(Value::object(members.collect::<Result<Vec<_>, StepError>>()?))
    }

    fn expression(&self, source: &str, now: At) -> Result<Value, StepError> {
        // Every word may be a name; those that are none are not looked up.
        let words = source.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|it| !it.is_empty());
        let is_name = |it: &&str| !it.starts_with(|c: char| c.is_ascii_digit()) && !FUNCTIONS.contains(it);
        let roots = words.filter(is_name).map(str::to_owned).collect();
        let expr = Expr::jinja(source.to_owned(), roots);
        eval(&[expr], ExprIx(0), &Now { scope: self, now })
            .map_err(|it| StepError::invalid(it.to_string()).with_code("expression"))
    }
}

/// A scope at an instant.
struct Now<'a> {
    scope: &'a Scope,
    now: At,
}

impl Names for Now<'_> {
    fn find(&self, name: &str) -> Found {
        match self.scope.find(name, self.now) {
            Some(it) => Found::Value(it),
            None => Found::Missing(Arc::from(format!("`{name}` has no value here"))),
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.now)
    }
}

//! The keys of a step: those that all have, and those of each form.

use std::{borrow::Cow, collections::BTreeMap};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value as Json, json};

use super::{
    policy::{Cache, Retry},
    value::{Amount, Any, Condition, Duration, Id, Message, Object, Text, Time, TriggerRule},
};

/// What every step may say.
#[derive(JsonSchema)]
pub(super) struct Common {
    /// By which expressions and `needs` know it; unique in the flow.
    id: Id,
    /// Its name for people.
    name: Option<Text>,
    /// What it is for.
    description: Option<Text>,
    /// The steps of the same list that come before it; the one above it where this is not said, none where it is `[]`.
    needs: Option<Needs>,
    /// It is skipped unless this holds.
    when: Option<Condition>,
    /// When it runs, given how the steps that it needs have ended.
    run_if: Option<TriggerRule>,
    /// What its failure means for the steps after it.
    on_failure: Option<OnFailure>,
    /// The longest that it may take; for a task step, one attempt.
    timeout: Option<Duration>,
}

/// Ids of steps: a list of them, or one alone.
#[derive(JsonSchema)]
#[serde(untagged)]
pub(super) enum Needs {
    /// One step.
    One(String),
    /// Several.
    Many(Vec<String>),
}

/// What a failure means for what comes after.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum OnFailure {
    /// It does not run.
    Fail,
    /// It runs.
    Continue,
}

/// A task step: work of a kind.
#[derive(JsonSchema)]
pub(super) struct Task {
    /// The kind of work.
    uses: String,
    /// The kind's parameters.
    with: Option<Object>,
    /// How failed attempts are tried again.
    retry: Option<Retry>,
    /// For how long results serve later steps.
    cache: Option<Cache>,
    /// The queue whose workers take the tasks.
    queue: Option<String>,
    /// Higher goes first.
    #[schemars(range(min = -1000, max = 1000))]
    priority: Option<i32>,
    /// What undoes the step, when the run fails or is cancelled later.
    compensate: Option<Vec<Step>>,
}

/// Branches at once.
#[derive(JsonSchema)]
pub(super) struct Parallel {
    /// The branches: lists of steps, by name or in a list.
    parallel: Branches,
    /// How many branches must succeed.
    join: Option<Join>,
}

/// Lists of steps, by name or in a list.
#[derive(JsonSchema)]
#[serde(untagged)]
pub(super) enum Branches {
    /// By name.
    Named(BTreeMap<String, Vec<Step>>),
    /// In a list.
    Listed(Vec<Vec<Step>>),
}

/// How many branches must succeed.
#[derive(JsonSchema)]
#[serde(untagged)]
pub(super) enum Join {
    /// Each, or the first that does.
    Word(JoinWord),
    /// So many.
    Count(#[schemars(range(min = 1))] u32),
}

/// How many branches must succeed, as a word.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum JoinWord {
    /// Each.
    All,
    /// The first that does.
    Any,
}

/// One of two lists of steps.
#[derive(JsonSchema)]
pub(super) struct If {
    /// The condition.
    r#if: Condition,
    /// What is done when it holds.
    then: Vec<Step>,
    /// What is done when it does not.
    r#else: Option<Vec<Step>>,
}

/// The first of several lists of steps whose condition holds.
#[derive(JsonSchema)]
pub(super) struct Switch {
    /// The arms; the last one may lack its condition.
    switch: Vec<Arm>,
}

/// One arm of a `switch`.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arm {
    /// The condition.
    when: Option<Condition>,
    /// What is done when it is the first that holds.
    r#do: Vec<Step>,
}

/// The same steps for each item of a list or an object.
#[derive(JsonSchema)]
pub(super) struct ForEach {
    /// The items: the settings, or the items alone.
    for_each: Items,
    /// What is done for each item.
    r#do: Vec<Step>,
}

/// Items: the settings, or the items alone.
#[derive(JsonSchema)]
#[serde(untagged)]
pub(super) enum Items {
    /// An expression that gives them.
    Expression(String),
    /// The items themselves.
    List(Vec<Any>),
    /// The settings.
    Settings(ForEachSettings),
}

/// Which items, and how many at once.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ForEachSettings {
    /// A list, an object, or an expression that gives one.
    #[schemars(extend("type" = ["string", "array", "object"]))]
    r#in: Any,
    /// What the item is called in the steps; `item` where it is not said.
    r#as: Option<Id>,
    /// What its position, from 0, is called.
    index: Option<Id>,
    /// Items under way at once.
    concurrency: Option<Amount>,
    /// Items handed to the steps at a time, as a list.
    batch: Option<Amount>,
    /// What a failed item means for the others; with `continue` its result is null.
    on_failure: Option<OnFailure>,
}

/// The same steps again and again.
#[derive(JsonSchema)]
pub(super) struct Loop {
    /// When it ends.
    r#loop: LoopSettings,
    /// What is repeated.
    r#do: Vec<Step>,
}

/// When a loop ends: `while`, `until`, or both.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("anyOf" = [{ "required": ["while"] }, { "required": ["until"] }]))]
pub(super) struct LoopSettings {
    /// Asked before each iteration; `last` is the output of the one before.
    r#while: Option<Condition>,
    /// Asked after each iteration.
    until: Option<Condition>,
    /// The most iterations; 1000 where it is not said. Reaching it fails the step.
    max: Option<Amount>,
    /// The pause between iterations.
    every: Option<Duration>,
}

/// Another flow as a run of its own.
#[derive(JsonSchema)]
pub(super) struct SubFlow {
    /// A published flow, `name` or `name@3`, or a file beside this one, `./child.yaml`.
    flow: String,
    /// Its inputs.
    with: Option<Object>,
    /// Whether this run goes on without waiting for it.
    detach: Option<bool>,
}

/// A wait that holds nothing while it lasts.
#[derive(JsonSchema)]
pub(super) struct Wait {
    /// What it waits for: the settings, or a time alone.
    wait: WaitFor,
}

/// What a step waits for: the settings, or a time alone.
#[derive(JsonSchema)]
#[serde(untagged)]
pub(super) enum WaitFor {
    /// A time from now.
    Time(Text),
    /// The settings.
    Settings(Box<WaitSettings>),
}

/// What a step waits for: exactly one of `for`, `until`, `signal`, `webhook` and `approval`.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    { "required": ["for"] }, { "required": ["until"] }, { "required": ["signal"] },
    { "required": ["webhook"] }, { "required": ["approval"] }
]))]
pub(super) struct WaitSettings {
    /// A time from now.
    r#for: Option<Time>,
    /// An instant.
    until: Option<Time>,
    /// A signal of that name.
    signal: Option<Text>,
    /// A call to an address made for it.
    webhook: Option<Asked>,
    /// A person's yes or no.
    approval: Option<Asked>,
    /// The longest wait; reaching it fails the step.
    timeout: Option<Duration>,
}

/// Who or what is asked: a message, or nothing more than that.
#[derive(JsonSchema)]
#[serde(untagged)]
pub(super) enum Asked {
    /// The message.
    Message(Text),
    /// Nothing more.
    Plain(bool),
    /// The settings.
    Settings(AskedSettings),
}

/// What is asked.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AskedSettings {
    /// The message.
    message: Option<Text>,
}

/// Steps with a rescue and a last word.
#[derive(JsonSchema)]
pub(super) struct Try {
    /// What is tried.
    r#try: Vec<Step>,
    /// What is done when it failed; `error` is what went wrong.
    catch: Option<Vec<Step>>,
    /// What is done in any case.
    finally: Option<Vec<Step>>,
}

/// Steps drawn together; they behave as if they stood outside.
#[derive(JsonSchema)]
pub(super) struct Group {
    /// The steps.
    group: Vec<Step>,
}

/// Computed values.
#[derive(JsonSchema)]
pub(super) struct Set {
    /// Names and values.
    set: Object,
}

/// The end of the run as failed.
#[derive(JsonSchema)]
pub(super) struct Fail {
    /// Why.
    fail: Message,
}

/// The end of the run as succeeded.
#[derive(JsonSchema)]
pub(super) struct Stop {
    /// Why.
    stop: Message,
}

/// The schema of one form.
type Form = fn(&mut SchemaGenerator) -> Schema;

/// The forms of a step, each under the key that says so.
pub(super) const FORMS: [(&str, Form); 13] = [
    ("uses", Task::json_schema),
    ("parallel", Parallel::json_schema),
    ("if", If::json_schema),
    ("switch", Switch::json_schema),
    ("for_each", ForEach::json_schema),
    ("loop", Loop::json_schema),
    ("flow", SubFlow::json_schema),
    ("wait", Wait::json_schema),
    ("try", Try::json_schema),
    ("group", Group::json_schema),
    ("set", Set::json_schema),
    ("fail", Fail::json_schema),
    ("stop", Stop::json_schema),
];

/// A step: its common keys and the keys of exactly one form.
pub(super) struct Step;

impl JsonSchema for Step {
    fn schema_name() -> Cow<'static, str> {
        "Step".into()
    }

    /// One object with the keys of all forms, so that an editor can offer them, and beside it which keys go together.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut all = members(&Common::json_schema(generator), "properties");
        let mut forms = Vec::new();
        let mut owners: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (key, form) in FORMS {
            let form = form(generator);
            let own = members(&form, "properties");
            for name in own.keys().filter(|name| *name != key) {
                owners.entry(name.clone()).or_default().push(key);
            }
            all.extend(own.into_iter().filter(|(name, _)| !all.contains_key(name)).collect::<Vec<_>>());
            let required = form.get("required").cloned().unwrap_or_else(|| json!([key]));
            forms.push(json!({ "title": key, "description": form.get("description"), "required": required }));
        }
        let dependent: Map<String, Json> = owners
            .into_iter()
            .map(|(name, owners)| {
                let any: Vec<Json> = owners.iter().map(|owner| json!({ "required": [owner] })).collect();
                (name, json!({ "anyOf": any }))
            })
            .collect();
        json_schema!({
            "title": "Step",
            "description": "A step: exactly one of its keys says what it does.",
            "type": "object",
            "properties": all,
            "required": ["id"],
            "oneOf": forms,
            "dependentSchemas": dependent,
            "additionalProperties": false
        })
    }
}

/// The members of an object-valued keyword.
pub(super) fn members(schema: &Schema, keyword: &str) -> Map<String, Json> {
    schema.get(keyword).and_then(Json::as_object).cloned().unwrap_or_default()
}

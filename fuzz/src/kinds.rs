//! The kinds that fuzzed flows may use: the names of the real ones, with schemas of every shape that checks look at.

use std::{collections::BTreeMap, sync::LazyLock};

use drawloom_lang::{KindInfo, Kinds, Optimise, Options, Placement, Source};
use serde_json::json;

static KINDS: LazyLock<Kinds> = LazyLock::new(|| {
    let strict = json!({
        "type": "object",
        "required": ["url"],
        "additionalProperties": false,
        "properties": {
            "url": { "type": "string" },
            "method": { "type": "string", "enum": ["GET", "POST"] },
            "headers": { "type": "object", "additionalProperties": { "type": "string" } },
            "body": true,
            "retries": { "type": "integer", "minimum": 0 },
        },
    });
    let open = json!({ "type": "object" });
    let kind = |name: &str, placement, schema: &serde_json::Value| KindInfo {
        name: name.to_owned(),
        placement,
        place: None,
        schema: schema.clone(),
    };
    Kinds::new([
        kind("http", Placement::Worker, &strict),
        kind("shell", Placement::Local, &open),
        kind("code", Placement::Local, &open),
        kind("transform", Placement::Inline, &open),
        kind("log", Placement::Inline, &open),
        kind("work", Placement::Local, &open),
    ])
});

static NO_CHILDREN: BTreeMap<String, Source> = BTreeMap::new();

pub(crate) fn options(optimise: Optimise) -> Options<'static> {
    Options { optimise, kinds: &KINDS, children: &NO_CHILDREN }
}

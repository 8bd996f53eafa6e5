//! Expressions: as the compiler sees them in a flow, and as the engine evaluates them.

use std::sync::Arc;

use drawloom_blueprint::{
    ExprIx, Timestamp, Value,
    expr::{Expr, Found, Names, eval},
};
use drawloom_lang::{Optimise, Source, compile};

use crate::kinds::options;

struct Here(Value);

impl Names for Here {
    fn find(&self, name: &str) -> Found {
        match self.0.get(name) {
            Some(it) => Found::Value(it.clone()),
            None => Found::Missing(Arc::from("nothing")),
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp(1_700_000_000_000_000)
    }
}

/// Evaluates the text as an expression, and compiles a flow that has it in a value, a condition and a text.
pub fn expressions(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let world = Value::from_json(
        br#"{"a":{"items":[{"n":1,"s":"x"},{"n":2,"s":"y"}],"big":9223372036854775807},"s":"text","n":null,"f":1.5,"l":[3,1,2]}"#,
    );
    let here = Here(world.expect("JSON"));
    let roots = ["a", "s", "n", "f", "l", "gone", "now"].map(str::to_owned).to_vec();
    if let Ok(value) = eval(&[Expr::jinja(text.to_owned(), roots)], ExprIx(0), &here) {
        // Text escapes make a value longer, by at most six bytes for one.
        assert!(value.to_json().len() <= 8 * drawloom_blueprint::expr::OUTPUT_MAX, "an expression outgrew its bound");
    }
    let braced = format!("{{{{ {text} }}}}");
    let flow = serde_json::json!({
        "drawloom": 1,
        "name": "fuzz",
        "inputs": { "n": { "type": "integer", "default": 1 } },
        "steps": [
            { "id": "a", "set": { "v": 1 } },
            { "id": "b", "when": braced, "set": { "v": braced, "t": format!("x {braced} y") } },
        ],
    });
    let source = Source::new("fuzz.json", flow.to_string());
    let _ = compile(&source, &options(Optimise::On));
}

//! Whole documents, converted, and compiled as they come out.
use serde_json::Value as Json;
use super::*;
#[test]
fn show() {
    for name in std::fs::read_dir("/tmp/foreign").unwrap() {
        let name = name.unwrap().path();
        let text = std::fs::read_to_string(&name).unwrap();
        let it = load(&crate::Source::new(name.display().to_string(), text)).expect("foreign");
        println!("== {}\n{}", name.display(), it.source.text());
        for note in it.converted.report { println!("  {note}"); }
    }
}

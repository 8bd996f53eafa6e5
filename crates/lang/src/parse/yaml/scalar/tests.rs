use super::*;

#[test]
fn plain_scalars_mean_what_the_core_schema_says() {
    for (text, data) in [
        ("", Some(Data::Null)),
        ("~", Some(Data::Null)),
        ("true", Some(Data::Bool(true))),
        ("False", Some(Data::Bool(false))),
        ("0", Some(Data::Int(0))),
        ("-12", Some(Data::Int(-12))),
        ("+12", Some(Data::Int(12))),
        ("007", Some(Data::Int(7))),
        ("0o17", Some(Data::Int(15))),
        ("0xff", Some(Data::Int(255))),
        ("9223372036854775808", Some(Data::UInt(9_223_372_036_854_775_808))),
        ("1.5", Some(Data::Float(1.5))),
        (".5", Some(Data::Float(0.5))),
        ("5.", Some(Data::Float(5.0))),
        ("1e3", Some(Data::Float(1000.0))),
        ("-1.5E-1", Some(Data::Float(-0.15))),
    ] {
        assert_eq!(plain(text, Span::default()).unwrap(), data, "{text}");
    }
    for text in
        ["yes", "no", "on", "off", "y", "1_000", "1:30", "0b1", "e5", ".", "-", "+", "1.2.3", "1e", "0x", "nULL", "१"]
    {
        assert_eq!(plain(text, Span::default()).unwrap(), None, "{text}");
    }
    for text in
        [".inf", "-.INF", ".nan", "18446744073709551616", "-9223372036854775809", "1e999", "0xfffffffffffffffff"]
    {
        assert_eq!(plain(text, Span::default()).unwrap_err().code, Code::NumberTooLarge, "{text}");
    }
}

/// The parts of the document where the names of the only text's expressions stand.
fn places(document: &str) -> Vec<String> {
    let source = Source::new("x", document);
    let node = super::super::read(&source, &mut Vec::new()).expect("a document");
    let mut found = Vec::new();
    node.texts(&mut |text| {
        let mut problems = Vec::new();
        for it in crate::template::Template::parse(text, &mut problems).expressions() {
            found.push(source.slice(it.span).to_owned());
        }
        found.extend(problems.iter().map(|it| format!("!{}", source.slice(it.span))));
    });
    found
}

#[test]
fn expressions_are_found_in_every_style() {
    for document in [
        "a: x {{ b1 }} {{ b2 }}",
        "a: 'it''s {{ b1 }} ''and'' {{ b2 }}'",
        "a: \"\\\"\\u00e9\\x41\\n {{ b1 }}\\t{{ b2 }}\"",
        "a: \"one\n  two {{ b1 }}\n\n\n  three \\\n  {{ b2 }}\"",
        "a: one\n  two {{ b1 }}\n\n  ü {{ b2 }}",
        "a: |\n  one {{ b1 }}\n\n    two {{ b2 }}\n",
        "a: >-\n  one\n  {{ b1 }}\n\n  two\n    three {{ b2 }}\n",
        "a: |2-\n    one {{ b1 }}\n  {{ b2 }}\n\n\n",
        "- [{a: 'ä{{ b1 }}'}, \"\\N{{ b2 }}\"]",
        "{\"a\": \"\\ud83d\\ude00 {{ b1 }} \\\"{{ b2 }}\"}",
        "a: |\r\n  one {{ b1 }}\r\n  two {{ b2 }}\r\n",
    ] {
        assert_eq!(places(document), ["b1", "b2"], "{document}");
    }
    assert_eq!(places("a: \"x\\n{{ b c }} {{ d\""), ["!c", "!{{"]);
}

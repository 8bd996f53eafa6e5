use super::*;

fn redactor(secrets: &[&str]) -> Redactor {
    Redactor::new(secrets.iter().map(|it| (*it).to_owned()))
}

#[test]
fn secrets_vanish_from_texts_names_and_values() {
    let redactor = redactor(&["hunter2", "hunter2-long", "x"]);
    assert_eq!(redactor.text("a hunter2-long b hunter2 x"), "a *** b *** x");
    assert_eq!(redactor.text("hunter2hunter2"), "******");
    let value = Value::from_json(br#"{"hunter2": ["hunter2!", 1]}"#).expect("JSON");
    assert_eq!(redactor.value(&value).to_json(), r#"{"***":["***!",1]}"#);
    assert!(!format!("{redactor:?}").contains("hunter"));
}

#[test]
fn secrets_that_overlap_leave_no_part_of_each_other() {
    let both = redactor(&["abcd", "cdef"]);
    assert_eq!(both.text("-abcdef-"), "-***-");
    assert_eq!(redactor(&["aba"]).text("ababa"), "***");
    assert_eq!(redactor(&["zäh", "häß"]).text("zähäß"), "***");
}

#[test]
fn secrets_vanish_as_they_stand_in_json_and_line_by_line() {
    let redactor = redactor(&["say \"hi\"", "first line\nsecond line\nab"]);
    let json = Value::object([("said", Value::from("say \"hi\""))]).to_json();
    assert_eq!(redactor.text(&json), r#"{"said":"***"}"#);
    assert_eq!(redactor.text("x second line y"), "x *** y");
    assert_eq!(redactor.text("first line\nsecond line\nab"), "***");
}

#[test]
fn lines_of_a_secret_vanish_however_they_are_indented() {
    let redactor = redactor(&["key:\n\t  indented value  \nab"]);
    assert_eq!(redactor.text("an indented value here"), "an *** here");
}

#[test]
fn bytes_are_screened_however_they_are_cut() {
    let redactor = redactor(&["correct horse", "horse battery", "aaa"]);
    let text = b"\xff\x00correct horse battery\xfe aaaa correct hors correct horse".repeat(20);
    let whole = redactor.bytes(&text);
    for size in 1..40 {
        let mut screen = Screen::new(redactor.clone());
        let mut out: Vec<u8> = text.chunks(size).flat_map(|it| screen.pass(it)).collect();
        out.extend(screen.end());
        assert!(out == whole, "in pieces of {size}: {}", String::from_utf8_lossy(&out));
    }
    let mut none = Screen::new(Redactor::default());
    assert_eq!(none.pass(b"abc"), b"abc");
    assert_eq!(none.end(), b"");
}

#[test]
fn cuts_leave_no_part_of_a_secret() {
    let redactor = redactor(&["0123456789"]);
    let text = b"ab0123456789cd0123456789ef";
    for most in 0..=text.len() {
        let cut = redactor.cut_before(text, most);
        assert!(cut <= most && ![3..12, 15..24].iter().any(|it| it.contains(&cut)), "{most}: {cut}");
        assert!(cut + 9 <= text.len());
        let cut = redactor.cut_after(text, most);
        assert!(cut >= most && cut >= 9 && ![3..12, 15..24].iter().any(|it| it.contains(&cut)), "{most}: {cut}");
    }
    assert_eq!(redactor.cut_before(b"0123456789", 5), 0);
    assert_eq!(redactor.cut_before(b"ab012345678", 11), 2, "what may be a secret's beginning is behind the cut");
    assert_eq!(Redactor::default().cut_before(text, 5), 5);
    assert_eq!(Redactor::default().cut_after(text, 5), 5);
}

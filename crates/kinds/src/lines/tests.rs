use std::sync::Mutex;

use super::*;

#[derive(Default)]
struct Kept(Mutex<Vec<String>>);

impl OutputSink for Kept {
    fn line(&self, line: Line) {
        self.0.lock().unwrap().push(line.text);
    }
}

/// The lines that `chunks` become where `secret` is hidden.
fn split(secret: &str, chunks: &[&[u8]]) -> Vec<String> {
    let kept = Arc::new(Kept::default());
    let lines = Lines::new(Redactor::new([secret.to_owned()]), kept.clone());
    let mut splitter = Splitter::new(Stream::Out);
    for chunk in chunks {
        splitter.push(chunk, &lines);
    }
    splitter.end(&lines);
    let kept = kept.0.lock().unwrap();
    kept.clone()
}

#[test]
fn bytes_become_lines() {
    assert_eq!(split("", &[b"a\nb", b"c\r\n\nd"]), ["a", "bc", "", "d"]);
    assert_eq!(split("", &[]), Vec::<String>::new());
    assert_eq!(split("", &[b"\xff\xfe\n"]), ["\u{fffd}\u{fffd}"]);
    assert_eq!(split("", &["zwölf".as_bytes().split_at(3).0, "zwölf".as_bytes().split_at(3).1]), ["zwölf"]);
}

#[test]
fn long_lines_come_in_pieces_that_hide_secrets_and_lose_nothing() {
    let secret = "correct horse battery staple";
    let text = format!("{secret}ä--").repeat(20_000);
    for size in [1000, 8192, 65_536] {
        let chunks: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
        let pieces = split(secret, &chunks);
        assert!(pieces.iter().all(|it| it.len() <= LINE_MAX));
        assert!(pieces.concat() == "***ä--".repeat(20_000), "in chunks of {size}");
    }
}

use std::collections::BTreeSet;

use super::*;

#[test]
fn codes_are_unique_and_in_order() {
    let numbers: Vec<&str> = Code::ALL.iter().map(|it| it.as_str()).collect();
    let unique: BTreeSet<&str> = numbers.iter().copied().collect();
    assert_eq!(unique.into_iter().collect::<Vec<_>>(), numbers);
}

#[test]
fn the_closest_name_is_meant() {
    let known = ["fetch", "rates", "enrich"];
    for (written, meant) in [
        ("fecth", Some("fetch")),
        ("Fetch", Some("fetch")),
        ("rate", Some("rates")),
        ("zzz", None),
        ("", None),
        ("fetch", None),
    ] {
        assert_eq!(closest(written, known), meant, "{written}");
    }
    assert_eq!(closest(&"x".repeat(1_000_000), known), None);
}

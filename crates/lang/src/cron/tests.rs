use serde_json::Value as Json;

use super::*;

/// Expressions on which three programs agree.
fn data() -> Json {
    serde_json::from_str(include_str!("../../testdata/cron_next.json")).expect("the test data is JSON")
}

fn texts<'a>(data: &'a Json, key: &str) -> Vec<&'a str> {
    data[key].as_array().expect("a list").iter().map(|it| it.as_str().expect("a text")).collect()
}

#[test]
fn the_next_instants_are_those_on_which_programs_agree() {
    let data = data();
    let cases = data["consensus"].as_array().expect("a list");
    assert!(cases.len() >= 300);
    let mut wrong = Vec::new();
    for case in cases {
        let (expr, zone) = (case["expr"].as_str().expect("a text"), case["tz"].as_str().expect("a text"));
        let seconds = |it: &Json| Timestamp(it.as_i64().expect("an integer") * 1_000_000);
        let expected: Vec<Timestamp> = case["next"].as_array().expect("a list").iter().map(seconds).collect();
        let cron = match Cron::parse(expr, zone) {
            Ok(it) => it,
            Err(error) => {
                wrong.push(format!("{expr}: {error}"));
                continue;
            }
        };
        let first = cron.next(seconds(&case["start"]));
        let found: Vec<Timestamp> = std::iter::successors(first, |it| cron.next(*it)).take(expected.len()).collect();
        if found != expected {
            wrong.push(format!("{expr} in {zone} from {}: {found:?}, not {expected:?}", case["start"]));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn what_all_programs_refuse_is_refused() {
    let data = data();
    let taken: Vec<&str> = texts(&data, "rejected").into_iter().filter(|it| Cron::parse(it, "UTC").is_ok()).collect();
    assert_eq!(taken, Vec::<&str>::new());
    for text in ["", "* * * *", "* * * * * * *", "@reboot", "@", "0 0 * * * extra words here", "é * * * *"] {
        assert!(matches!(Cron::parse(text, "UTC"), Err(CronError::Syntax(_))), "{text}");
    }
    assert!(matches!(Cron::parse(&"1,".repeat(100_000), "UTC"), Err(CronError::Syntax(_))));
    // No program needs one as long; the parser would take it.
    let long = format!("{}1 * * * *", "1,".repeat(250));
    let Err(CronError::Syntax(why)) = Cron::parse(&long, "UTC") else { panic!("it is taken") };
    assert_eq!(why, "it is too long");
    assert!(Cron::parse(&format!("{}1 * * * *", "1,".repeat(240)), "UTC").is_ok());
    assert!(Cron::parse("  @daily ", "UTC").is_ok());
}

#[test]
fn dates_that_never_come_are_refused() {
    for text in texts(&data(), "never") {
        assert_eq!(Cron::parse(text, "Europe/Berlin").err(), Some(CronError::Never), "{text}");
    }
    assert!(Cron::parse("0 0 29 2 *", "UTC").is_ok());
}

#[test]
fn zones_are_those_of_iana() {
    assert!(find_zone("Europe/Berlin").is_some());
    assert!(find_zone("Mars/Olympus").is_none());
    assert!(zone_names().len() > 400);
    assert_eq!(Cron::parse("* * * * *", "Nope").err(), Some(CronError::Zone("Nope".to_owned())));
}

//! The 182 cases that Apache Airflow decides.

use drawloom_blueprint::TriggerRule;

use super::{Verdict, verdict};
use crate::frame::Tally;

fn tally(ends: &[String]) -> Tally {
    let count = |name: &str| u32::try_from(ends.iter().filter(|it| *it == name).count()).expect("few");
    Tally {
        succeeded: count("success"),
        failed: count("failed"),
        skipped: count("skipped"),
        upstream_failed: count("upstream_failed"),
    }
}

/// What becomes of a step whose needs end in this order.
fn decide(rule: TriggerRule, ends: &[String]) -> &'static str {
    for ended in 0..=ends.len() {
        match verdict(rule, u32::try_from(ends.len()).expect("few"), tally(&ends[..ended])) {
            Verdict::Open => {}
            Verdict::Run => return "success",
            Verdict::Skip => return "skipped",
            Verdict::UpstreamFailed => return "upstream_failed",
        }
    }
    "nothing"
}

#[test]
fn every_rule_decides_as_airflow_does() {
    let data: serde_json::Value =
        serde_json::from_str(include_str!("../../testdata/trigger_rules.json")).expect("valid test data");
    let cases = data["cases"].as_array().expect("a list of cases");
    assert_eq!(cases.len(), 182);
    for case in cases {
        let name = case["trigger_rule"].as_str().expect("a rule");
        let rule = TriggerRule::from_name(name).unwrap_or_else(|| panic!("unknown rule {name}"));
        let mut ends: Vec<String> = serde_json::from_value(case["upstream"].clone()).expect("a list of states");
        // Airflow decides some mixtures by the order in which its scheduler looks. We wait for all and let a
        // failure outweigh a skip, which is one of its answers.
        let allowed: Vec<String> = if case["order_dependent"] == true {
            let orders = case["by_order"].as_object().expect("answers by order");
            orders.values().filter_map(|it| it.as_str().map(str::to_owned)).collect()
        } else {
            vec![case["expected"].as_str().expect("an answer").to_owned()]
        };
        for _ in 0..2 {
            let decided = decide(rule, &ends);
            assert!(allowed.iter().any(|it| it == decided), "{name} of {ends:?} is {decided}, not {allowed:?}");
            ends.reverse();
        }
    }
}

#[test]
fn a_step_without_needs_runs_whatever_its_rule() {
    for (name, rule) in TriggerRule::ALL {
        assert_eq!(verdict(rule, 0, Tally::default()), Verdict::Run, "{name}");
    }
}

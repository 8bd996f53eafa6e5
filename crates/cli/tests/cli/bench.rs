//! `drawloom bench`: what it measures comes with the limit beside it.

use crate::support::Home;

#[test]
fn every_row_has_its_limit() {
    let home = Home::new();
    let rows = home.run(&["bench", "shell", "latency", "--json", "--quiet"]).exits(0).json()["rows"].clone();
    let rows = rows.as_array().expect("rows");
    let names: Vec<&str> = rows.iter().filter_map(|it| it["workload"].as_str()).collect();
    assert_eq!(names, ["latency/p50", "latency/p99", "shell/chain"]);
    for row in rows {
        assert!(row["cost"].as_f64() > Some(0.0) && row["ratio"].as_f64() > Some(0.0), "{row}");
        assert!(row["limit_is"].as_str().is_some_and(|it| !it.is_empty()), "{row}");
    }
    home.run(&["bench", "everything"]).exits(2).says("there is no workload `everything`");
}

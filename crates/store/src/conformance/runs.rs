//! Promises about the index of runs.

use std::collections::BTreeMap;

use drawloom_blueprint::{FlowHash, RunId, RunStatus, Timestamp};

use super::{
    Place,
    kit::{WEIRD, accept, claimed, ended, head, list, more, row, run, start},
};
use crate::{BlobHash, DuePlace, IdPrefix, RunAppend, RunFilter, RunHead, RunState, Store, Unended};

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub(super) async fn rows_come_back_as_they_were(place: &dyn Place) {
    let (store, claim) = claimed(place).await;
    for (n, text) in (1..).zip(WEIRD) {
        let mut new = start(run(n), head("f"));
        let full = RunHead {
            flow: (*text).to_owned(),
            version: FlowHash([n as u8; 32]),
            number: Some(u32::MAX),
            labels: WEIRD.iter().map(|it| ((*it).to_owned(), format!("{text}{it}"))).collect(),
            started_at: Timestamp(-5),
            parent: Some(RunId(u128::MAX)),
            concurrency_key: Some((*text).to_owned()),
            idempotency_key: Some((*text).to_owned()),
        };
        new.state = RunState {
            status: RunStatus::Paused,
            ended_at: None,
            next_due: Some(Timestamp(i64::MAX)),
            in_flight: u32::MAX,
            error: Some((*text).to_owned()),
        };
        new.follows = crate::Follows::Nothing(Box::new(full.clone()));
        new.blobs = vec![BlobHash([9; 32]), BlobHash([1; 32]), BlobHash([9; 32])];
        let state = new.state.clone();
        accept(&*store, claim, vec![new]).await;
        let found = row(&*store, run(n)).await;
        assert_eq!((found.run, found.head, found.state, found.last_seq), (run(n), full, state, 1));
        assert_eq!(store.blobs_of(run(n)).await, Ok(vec![BlobHash([1; 32]), BlobHash([9; 32])]));
        let of_flow = RunFilter { flow: Some((*text).to_owned()), ..RunFilter::default() };
        assert_eq!(list(&*store, &of_flow).await, [run(n)], "{text:?}");
        for label in WEIRD {
            let labels = labels(&[(label, &format!("{text}{label}"))]);
            let found = list(&*store, &RunFilter { labels, ..RunFilter::default() }).await;
            assert!(found.contains(&run(n)), "label {label:?} of {text:?}");
        }
    }
    assert_eq!(store.run(run(99)).await, Ok(None));
    assert_eq!(store.blobs_of(run(99)).await, Ok(Vec::new()));
}

/// A fact may refer to blobs whether or not it changes the row of its run, and to some that an earlier one named too.
pub(super) async fn blobs_of_all_facts(place: &dyn Place) {
    let (store, claim) = claimed(place).await;
    let refer =
        |it: RunAppend, blobs: &[u8]| RunAppend { blobs: blobs.iter().map(|n| BlobHash([*n; 32])).collect(), ..it };
    let mut waits = more(run(1), 4, 1);
    waits.state.in_flight = 0;
    let mut end = more(run(1), 5, 1);
    end.state = ended(RunStatus::Succeeded, 9);
    accept(&*store, claim, vec![refer(start(run(1), head("f")), &[5]), start(run(2), head("f"))]).await;
    accept(&*store, claim, vec![refer(more(run(1), 1, 1), &[4, 5]), refer(more(run(2), 1, 1), &[4])]).await;
    accept(&*store, claim, vec![refer(more(run(1), 2, 1), &[3]), refer(more(run(1), 3, 1), &[3])]).await;
    accept(&*store, claim, vec![refer(waits, &[1, 2]), refer(end, &[0])]).await;
    assert_eq!(store.blobs_of(run(1)).await, Ok((0..6).map(|n| BlobHash([n; 32])).collect()));
    assert_eq!(store.blobs_of(run(2)).await, Ok(vec![BlobHash([4; 32])]));
}

pub(super) async fn filters_and_pages(place: &dyn Place) {
    let (store, claim) = claimed(place).await;
    for n in 0..9 {
        let mut new = start(
            run(n),
            RunHead {
                started_at: Timestamp(n as i64),
                labels: labels(&[("third", if n % 3 == 0 { "yes" } else { "no" }), ("n", &n.to_string())]),
                parent: (n > 5).then(|| run(1)),
                ..head(if n % 2 == 0 { "even" } else { "odd" })
            },
        );
        if n == 4 {
            new.state = ended(RunStatus::Failed, 9);
        }
        accept(&*store, claim, vec![new]).await;
    }
    let all = RunFilter::default;
    let flow = |it: &str| Some(it.to_owned());
    let cases: [(RunFilter, &[u64]); 16] = [
        (all(), &[8, 7, 6, 5, 4, 3, 2, 1, 0]),
        (RunFilter { flow: flow("even"), ..all() }, &[8, 6, 4, 2, 0]),
        (RunFilter { flow: flow("eve"), ..all() }, &[]),
        (RunFilter { status: vec![RunStatus::Failed], ..all() }, &[4]),
        (
            RunFilter { status: vec![RunStatus::Failed, RunStatus::Running], flow: flow("even"), ..all() },
            &[8, 6, 4, 2, 0],
        ),
        (RunFilter { since: Some(Timestamp(7)), ..all() }, &[8, 7]),
        (RunFilter { since: Some(Timestamp(9)), ..all() }, &[]),
        (RunFilter { labels: labels(&[("third", "yes")]), ..all() }, &[6, 3, 0]),
        (RunFilter { labels: labels(&[("third", "no")]), ..all() }, &[8, 7, 5, 4, 2, 1]),
        (RunFilter { labels: labels(&[("third", "yes"), ("n", "3")]), flow: flow("odd"), ..all() }, &[3]),
        (RunFilter { labels: labels(&[("third", "yes"), ("n", "4")]), ..all() }, &[]),
        (RunFilter { labels: labels(&[("thir", "dyes")]), ..all() }, &[]),
        (RunFilter { labels: labels(&[("third", "no")]), status: vec![RunStatus::Failed], ..all() }, &[4]),
        (RunFilter { labels: labels(&[("third", "yes")]), status: vec![RunStatus::Failed], ..all() }, &[]),
        (RunFilter { parent: Some(run(1)), ..all() }, &[8, 7, 6]),
        (RunFilter { parent: Some(run(1)), since: Some(Timestamp(7)), flow: flow("odd"), ..all() }, &[7]),
    ];
    for (filter, wanted) in cases {
        let wanted: Vec<_> = wanted.iter().map(|it| run(*it)).collect();
        assert_eq!(list(&*store, &filter).await, wanted, "{filter:?}");
        let page = store.runs(&filter, Some(run(4)), 100).await.expect("rows can be read");
        assert!(page.iter().all(|it| filter.holds(it)));
        let below: Vec<_> = wanted.into_iter().filter(|it| *it < run(4)).collect();
        assert_eq!(page.into_iter().map(|it| it.run).collect::<Vec<_>>(), below, "{filter:?}");
    }
    assert_eq!(store.runs(&all(), None, 0).await, Ok(Vec::new()));
}

pub(super) async fn unended_runs_in_pages(place: &dyn Place) {
    let (store, claim) = claimed(place).await;
    for n in 0..10 {
        let mut new = start(run(n), head("f"));
        match n % 3 {
            0 => new.state.in_flight = 0,
            1 => new.state.status = RunStatus::Queued,
            _ if n == 8 => new.state.status = RunStatus::Paused,
            _ => {}
        }
        accept(&*store, claim, vec![new]).await;
    }
    let mut end = more(run(4), 1, 1);
    end.state = ended(RunStatus::Succeeded, 1);
    let mut sleep = more(run(5), 1, 1);
    sleep.state.in_flight = 0;
    accept(&*store, claim, vec![end, sleep]).await;
    for (which, wanted) in [(Unended::All, vec![0, 1, 2, 3, 5, 6, 7, 8, 9]), (Unended::InFlight, vec![1, 2, 7, 8])] {
        let wanted: Vec<_> = wanted.into_iter().map(run).collect();
        let mut found: Vec<RunId> = Vec::new();
        loop {
            let page = store.unended(which, found.last().copied(), 2).await.expect("rows can be read");
            assert!(page.len() <= 2, "a page is bounded, or who reads on would leave rows out");
            found.extend(page.iter().map(|it| it.run));
            if page.len() < 2 {
                break;
            }
        }
        assert_eq!(found, wanted, "{which:?}, oldest first");
    }
}

pub(super) async fn due_runs_in_order(place: &dyn Place) {
    let (store, claim) = claimed(place).await;
    for (n, due) in
        [(1, Some(30)), (2, Some(10)), (3, None), (4, Some(20)), (5, Some(10)), (6, Some(10)), (7, Some(-9))]
    {
        let mut new = start(run(n), head("f"));
        new.state.next_due = due.map(Timestamp);
        accept(&*store, claim, vec![new]).await;
    }
    let mut end = more(run(6), 1, 1);
    end.state = RunState { next_due: Some(Timestamp(10)), ..ended(RunStatus::Cancelled, 1) };
    let mut later = more(run(4), 1, 1);
    later.state.next_due = Some(Timestamp(31));
    accept(&*store, claim, vec![end, later]).await;
    assert_eq!(due(&*store, 30).await, [7, 2, 5, 1].map(run));
    assert_eq!(due(&*store, 29).await, [7, 2, 5].map(run));
    assert_eq!(due(&*store, i64::MAX).await, [7, 2, 5, 1, 4].map(run));
    assert_eq!(due(&*store, -10).await, []);
}

/// The runs due until then, in pages of two.
async fn due(store: &dyn Store, until: i64) -> Vec<RunId> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.due(Timestamp(until), after, 2).await.expect("rows can be read");
        found.extend(page.iter().map(|it| it.run));
        let Some(last) = page.last() else { return found };
        after = Some(DuePlace { due: last.state.next_due.expect("a due run has a due time"), run: last.run });
    }
}

pub(super) async fn ids_by_prefix(place: &dyn Place) {
    let (store, claim) = claimed(place).await;
    let ids = [RunId(0), RunId(1), run(1), run(2), RunId(u128::MAX)];
    for id in ids {
        accept(&*store, claim, vec![start(id, head("f"))]).await;
    }
    let find = async |text: &str, limit| {
        store.ids(IdPrefix::parse(text).expect("a prefix"), limit).await.expect("ids can be read")
    };
    assert_eq!(find("", 10).await, [ids[4], ids[3], ids[2], ids[1], ids[0]]);
    assert_eq!(find("", 2).await, [ids[4], ids[3]]);
    assert_eq!(find("7", 10).await, [ids[4]]);
    assert_eq!(find("0000", 10).await, [ids[1], ids[0]]);
    for id in ids {
        assert_eq!(find(&id.to_string(), 10).await, [id]);
    }
    assert_eq!(find("3", 10).await, []);
}

//! Who goes first among many.

use drawloom_blueprint::{OnFull, RunId};
use drawloom_engine::{Admission, Admitted, FairQueue, SlotKey, Standing};

fn push(queue: &mut FairQueue<char>, flow: char, run: u128, count: usize) {
    for _ in 0..count {
        queue.push(&Standing { flow: &flow.to_string(), weight: 1, run: RunId(run), priority: 0 }, flow);
    }
}

#[test]
fn a_flow_that_comes_late_shares_from_then_on_and_catches_nothing_up() {
    let mut queue = FairQueue::default();
    push(&mut queue, 'a', 1, 3_000);
    for _ in 0..1_000 {
        queue.pop();
    }
    push(&mut queue, 'b', 2, 1_000);
    let first: Vec<char> = (0..200).filter_map(|_| queue.pop()).collect();
    let late = first.iter().filter(|it| **it == 'b').count();
    assert!((99..=101).contains(&late), "{late} of 200");
}

#[test]
fn who_waited_first_has_the_first_slot_and_who_gave_up_has_none() {
    let key = || SlotKey { flow: "f".to_owned(), key: String::new() };
    let mut table = Admission::default();
    let ask = |table: &mut Admission, run, max| table.ask(RunId(run), key(), max, OnFull::Queue);
    assert_eq!(ask(&mut table, 1, 1), Admitted::Now);
    for run in 2..=4 {
        assert_eq!(ask(&mut table, run, 1), Admitted::Queued);
    }
    assert_eq!(table.release(RunId(2)), [], "it only waited");
    assert_eq!(table.release(RunId(1)), [RunId(3)]);
    // A version with more slots does not let a new run overtake those that wait.
    assert_eq!(ask(&mut table, 5, 2), Admitted::Queued);
    assert_eq!(table.release(RunId(3)), [RunId(4), RunId(5)]);
    assert_eq!(table.blockers(RunId(5)), []);
}

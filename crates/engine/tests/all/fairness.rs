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

#[test]
fn a_weight_counts_from_when_it_is_given() {
    let mut queue = FairQueue::default();
    let mut push = |weight: u32, flow: char| {
        for _ in 0..300 {
            queue.push(&Standing { flow: &flow.to_string(), weight, run: RunId(1), priority: 0 }, flow);
        }
    };
    push(1, 'a');
    push(1, 'b');
    // The flow of a newer version counts three times as much.
    push(3, 'a');
    let first: Vec<char> = (0..200).filter_map(|_| queue.pop()).collect();
    let heavy = first.iter().filter(|it| **it == 'a').count();
    assert!((148..=152).contains(&heavy), "{heavy} of 200");
}

#[test]
fn slots_that_were_held_before_a_restart_are_given_on() {
    let key = || SlotKey { flow: "f".to_owned(), key: String::new() };
    let mut table = Admission::default();
    for run in 1..=2 {
        table.restore(RunId(run), key(), 2);
    }
    assert!(table.holds(RunId(1)) && table.holds(RunId(2)));
    // Those that waited ask again, and get nothing that is held.
    for run in 3..=5 {
        assert_eq!(table.ask(RunId(run), key(), 2, OnFull::Queue), Admitted::Queued);
    }
    assert_eq!(table.release(RunId(1)), [RunId(3)]);
    let mut alone = Admission::default();
    alone.restore(RunId(1), key(), 1);
    alone.restore(RunId(2), key(), 1);
    assert_eq!(alone.release(RunId(1)), [], "there are fewer slots now");
    assert_eq!(alone.ask(RunId(3), key(), 1, OnFull::Queue), Admitted::Queued);
    assert_eq!(alone.release(RunId(2)), [RunId(3)]);
}

#[test]
fn a_version_with_fewer_slots_lets_nobody_begin_until_so_few_are_held() {
    let key = || SlotKey { flow: "f".to_owned(), key: String::new() };
    let mut table = Admission::default();
    let ask = |table: &mut Admission, run, max| table.ask(RunId(run), key(), max, OnFull::Queue);
    for run in 1..=3 {
        assert_eq!(ask(&mut table, run, 3), Admitted::Now);
    }
    assert_eq!(ask(&mut table, 4, 1), Admitted::Queued);
    for run in 1..=2 {
        assert_eq!(table.release(RunId(run)), [], "after {run}");
    }
    assert_eq!(table.release(RunId(3)), [RunId(4)]);
}

//! What is encoded comes back the same; what is damaged is an error or something else, and never a panic.

use drawloom_blueprint::{
    Blueprint, Concurrency, DEPTH_MAX, ExprIx, Fact, InputDef, OnFull, Op, Scope, ScopeIx, StepError, StepIx,
    TriggerRule, Value,
    codec::{CodecError, VERSION, decode, encode},
    expr::Expr,
};

use crate::arbitrary::{EXPRS, MOVES, OPS, Source};

/// Cases of each kind.
const CASES: u64 = 400;

fn comes_back<T>(it: &T)
where
    T: minicbor::Encode<()> + for<'b> minicbor::Decode<'b, ()> + PartialEq + std::fmt::Debug,
{
    let bytes = encode(it);
    assert_eq!(decode::<T>(&bytes).as_ref(), Ok(it));
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(decode::<T>(&longer).is_err(), "what stands behind the end is noticed: {it:?}");
    for len in 0..bytes.len() {
        assert!(decode::<T>(&bytes[..len]).is_err(), "what is cut off is noticed: {it:?}");
    }
}

#[test]
fn values_come_back_from_both_of_their_forms() {
    for seed in 0..CASES * 10 {
        let it = Source(seed).value(5);
        assert_eq!(Value::from_json(it.to_json().as_bytes()).as_ref().ok(), Some(&it), "seed {seed}: {}", it.to_json());
        assert_eq!(decode::<Value>(&encode(&it)).as_ref(), Ok(&it), "seed {seed}");
    }
}

#[test]
fn errors_come_back() {
    for seed in 0..CASES {
        let it = Source(seed).error();
        comes_back(&it);
        let json = serde_json::to_string(&it).expect("JSON");
        assert_eq!(serde_json::from_str::<StepError>(&json).ok(), Some(it));
    }
}

#[test]
fn every_move_comes_back() {
    for seed in 0..CASES / 10 {
        for variant in 0..MOVES {
            comes_back(&Fact { moves: vec![Source(seed * MOVES + variant).fact_move(variant)] });
        }
        let it = Source(seed).fact();
        comes_back(&it);
        let mut onto = vec![7];
        it.encode_onto(&mut onto);
        assert_eq!(onto[1..], it.encode());
    }
}

#[test]
fn every_expression_comes_back() {
    for seed in 0..CASES / 10 {
        for variant in 0..EXPRS {
            comes_back(&Source(seed).expr(variant, 7));
        }
    }
}

#[test]
fn every_operation_and_blueprint_comes_back() {
    for seed in 0..CASES / 10 {
        for variant in 0..OPS {
            comes_back(&Source(seed).op(variant));
        }
        let it = Source(seed).blueprint();
        assert_eq!(Blueprint::decode(&it.encode()), Ok(it), "seed {seed}");
    }
}

#[test]
fn what_a_newer_binary_wrote_is_an_error_that_says_so() {
    let mut bytes = encode(&Fact::default());
    bytes[0] = VERSION + 1;
    assert_eq!(Fact::decode(&bytes), Err(CodecError::Newer(VERSION + 1)));
    bytes[0] = 0;
    assert!(Fact::decode(&bytes).is_err(), "there never was such a version");
    assert_eq!(Fact::decode(&[]), Err(CodecError::Empty));
    // A fact of one move with a number that nothing has: an array of one, of an array of number and fields.
    let unknown = [VERSION, 0x81, 0x81, 0x82, 0x18, 0x63, 0x80];
    let Err(CodecError::Malformed(why)) = Fact::decode(&unknown) else { panic!("an unknown move was read") };
    assert!(why.contains("99") || why.contains("variant"), "{why}");
    assert!(Fact::decode(&unknown).expect_err("unknown").to_string().contains("newer drawloom"));
}

#[test]
fn damaged_bytes_never_panic() {
    let mut source = Source(1);
    for seed in 0..CASES * 5 {
        let mut bytes = if seed % 2 == 0 { Source(seed).fact().encode() } else { Source(seed).blueprint().encode() };
        for _ in 0..1 + source.below(4) {
            let at = usize::try_from(source.below(bytes.len() as u64)).expect("small");
            match source.below(4) {
                0 => bytes[at] = source.number() as u8,
                1 => bytes[at] ^= 1 << source.below(8),
                2 => bytes.insert(at, source.number() as u8),
                _ => bytes.truncate(at.max(1)),
            }
        }
        let _ = Fact::decode(&bytes).map(|it| assert_eq!(Fact::decode(&it.encode()), Ok(it)));
        let _ = Blueprint::decode(&bytes).map(|it| assert_eq!(Blueprint::decode(&it.encode()), Ok(it)));
        let noise: Vec<u8> = (0..source.below(60)).map(|_| source.number() as u8).collect();
        let noise = [vec![VERSION], noise].concat();
        let _ = (Fact::decode(&noise), Blueprint::decode(&noise), decode::<Value>(&noise), Value::from_json(&noise));
    }
}

#[test]
fn depth_and_length_are_bounded_by_what_is_there() {
    // Twice as deep as what comes from outside, as the engine wraps values in values.
    let lists = |levels: usize| [vec![VERSION], vec![0x81; levels], vec![0xf6]].concat();
    assert!(decode::<Value>(&lists(2 * DEPTH_MAX - 1)).is_ok());
    assert!(decode::<Value>(&lists(2 * DEPTH_MAX)).is_err());
    for first in [0x9b, 0xbb, 0x5b, 0x7b] {
        for length in [u64::MAX, u64::from(u32::MAX), 1 << 40] {
            let bytes = [vec![VERSION, first], length.to_be_bytes().to_vec()].concat();
            assert!(decode::<Value>(&bytes).is_err(), "{first:x} of {length}");
        }
    }
}

#[test]
fn a_blueprint_that_does_not_hang_together_is_damaged() {
    type Damage = fn(&mut Blueprint);
    let task = |it: &mut Blueprint| match &mut it.steps[0].op {
        Op::Task(task) => task.retry.jitter = f64::NAN,
        _ => unreachable!("the first step is a task"),
    };
    let no_expression = |it: &mut Blueprint| match &mut it.steps[0].op {
        Op::Task(task) => task.with = ExprIx(9999),
        _ => unreachable!("the first step is a task"),
    };
    let key = |it: &mut Blueprint| {
        let key = Some(ExprIx(9999));
        it.limits.concurrency = Some(Concurrency { max: 1, key, when_full: OnFull::Queue });
    };
    let itself = |it: &mut Blueprint| {
        let at = ExprIx(u32::try_from(it.exprs.len()).expect("few"));
        it.exprs.push(Expr::List(vec![at]));
    };
    let edges = |it: &mut Blueprint| {
        it.steps[1].edges_first = u32::try_from(it.edges.len()).expect("few");
        it.steps[1].edges_len = 1;
    };
    let in_itself = |it: &mut Blueprint| {
        (it.scopes[0].len, it.scopes[0].last) = (1, None);
        it.scopes[1] = Scope { first: StepIx(1), len: 1, ..it.scopes[1].clone() };
        it.steps[1].scope = ScopeIx(1);
    };
    let damages: [(Damage, &str); 19] = [
        (key, "no expression 9999"),
        (itself, "uses a later one"),
        (edges, "end behind the last edge"),
        (in_itself, "does not belong"),
        (|it| it.scopes[0].len += 1, "ends behind the last step"),
        (|it| it.steps[0].when = vec![ExprIx(0), ExprIx(9999)], "no expression 9999"),
        (|it| it.steps[0].fused_next = Some(StepIx(9999)), "no step 9999"),
        (|it| it.steps[0].fused_next = Some(StepIx(0)), "is not beside it"),
        (|it| it.steps[1].fused_next = Some(StepIx(1)), "is not beside it"),
        (|it| it.scopes[1].owner = Some(StepIx(0)), "is another's"),
        (|it| it.scopes[1].owner = None, "does not belong"),
        (|it| it.scopes[0].owner = Some(StepIx(0)), "does not belong"),
        (|it| it.steps[1].scope = ScopeIx(1), "stands in two scopes"),
        (|it| it.scopes[0].len = 1, "is not among the steps"),
        (|it| (it.edges, it.steps[0].edges_len) = (vec![StepIx(0)], 1), "is not beside it"),
        (|it| it.scopes[1].last = Some(StepIx(0)), "is not in it"),
        (|it| it.steps[1].scope = ScopeIx(99), "no scope 99"),
        (no_expression, "no expression 9999"),
        (task, "out of range"),
    ];
    for (damage, why) in damages {
        let mut it = (0..).map(|seed| Source(seed).blueprint()).find(suits).expect("there are many");
        damage(&mut it);
        let error = Blueprint::decode(&it.encode()).expect_err(why).to_string();
        assert!(error.contains(why) || (why.contains("among") && error.contains("last step")), "{why}: {error}");
    }
}

/// Whether a blueprint is a task without compensation, then a loop.
fn suits(it: &Blueprint) -> bool {
    let ops: Vec<&Op> = it.steps.iter().map(|it| &it.op).collect();
    matches!(ops.as_slice(), [Op::Task(task), Op::Loop(_)] if task.compensate.is_none())
}

#[test]
fn a_default_of_null_is_not_taken_for_none() {
    for default in [None, Some(Value::Null), Some(Value::from(1_i64))] {
        comes_back(&InputDef { name: "n".to_owned(), schema: Value::Bool(true), default });
    }
}

#[test]
fn every_rule_is_found_by_its_name() {
    for (name, rule) in TriggerRule::ALL {
        assert_eq!((TriggerRule::from_name(name), rule.name()), (Some(rule), name));
    }
    assert_eq!(TriggerRule::from_name("all_done_setup_success"), Some(TriggerRule::AllDone));
    assert_eq!(TriggerRule::from_name("never"), None);
}

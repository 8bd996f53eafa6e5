use std::time::{Duration, Instant};

use drawloom_blueprint::ErrorClass::{Cancelled, Failed, Invalid, Timeout};
use drawloom_queue::Stream;
use serde_json::json;

use crate::support::{Job, fails, run};

/// What the body of a function with the parameter `a` returns.
async fn body(source: &str) -> serde_json::Value {
    let with = json!({"source": format!("export default async (a) => {{ {source} }}"), "args": {"n": 20, "s": "ä"}});
    run("code", with).await.unwrap_or_else(|it| panic!("{source}: {it}"))
}

#[tokio::test]
async fn a_function_gets_its_arguments_and_returns_json() {
    let with = json!({"source": "export default ({ x, y }) => ({ sum: x + y, list: [x, null, undefined] })", "args": {"x": 1, "y": 2.5}});
    assert_eq!(run("code", with).await.unwrap(), json!({"sum": 3.5, "list": [1, null, null]}));
    assert_eq!(body("return a.n / 2").await, json!(10));
    assert_eq!(body("return a.s + '✓'").await, json!("ä✓"));
    assert_eq!(body("").await, json!(null));
    assert_eq!(body("return NaN").await, json!(null));
    assert_eq!(body("return new Date(0)").await, json!("1970-01-01T00:00:00.000Z"));
    assert_eq!(body("return 2 ** 53").await, json!(9_007_199_254_740_992_u64));
    let with = json!({"source": "export default function ({ x = 5 }) { return x }"});
    assert_eq!(run("code", with).await.unwrap(), json!(5));
    let with = json!({"source": "const two = await Promise.resolve(2); export default async (a) => (await Promise.all([a, two]))[1]", "language": "js"});
    assert_eq!(run("code", with).await.unwrap(), json!(2));
}

#[tokio::test]
async fn results_that_json_cannot_have_are_errors() {
    for (source, said) in [
        ("return { f: () => 1 }", "function in \"f\""),
        ("return () => 1", "a function"),
        ("return 1n", "bigint"),
        ("return { s: [Symbol()] }", "symbol"),
        ("const o = {}; o.o = o; return o", "circular"),
    ] {
        let with = json!({"source": format!("export default () => {{ {source} }}")});
        let message = fails("code", with, Failed, "thrown").await;
        assert!(message.contains(said), "{source}: {message}");
    }
    let deep = json!({"source": "export default () => { let o = 1; for (let i = 0; i < 500; i++) o = [o]; return o }"});
    fails("code", deep, Failed, "bad_result").await;
}

#[tokio::test]
async fn clock_and_chance_repeat() {
    let source = "return [Date.now(), new Date().toISOString(), Math.random(), Math.random(), typeof Date(), new Date(5).getTime(), new Date() instanceof Date, new Date().constructor.now()]";
    let first = body(source).await;
    assert_eq!(first, body(source).await);
    assert_eq!(first[0], json!(1_700_000_000_123_u64));
    assert_eq!(first[1], "2023-11-14T22:13:20.123Z");
    assert_ne!(first[2], first[3]);
    assert_eq!(first[4], "string");
    assert_eq!(first[5], 5);
    assert_eq!(first[6], true);
    assert_eq!(first[7], first[0]);
    let mut other = Job::new("code", json!({"source": "export default () => Math.random()"}));
    let a = other.run().await.unwrap();
    other.task.seed = 43;
    let b = other.run().await.unwrap();
    assert_ne!(a, b);
    assert!((0.0..1.0).contains(&a.as_f64().unwrap()));
    let mean = body("let s = 0; for (let i = 0; i < 10000; i++) s += Math.random(); return s / 10000").await;
    assert!((0.48..0.52).contains(&mean.as_f64().unwrap()), "{mean}");
}

#[tokio::test]
async fn there_is_nothing_of_the_host() {
    let names = body("return Object.getOwnPropertyNames(globalThis)").await.to_string();
    for name in ["process", "require", "fetch", "setTimeout", "std", "os", "scriptArgs", "print", "performance", "Deno"]
    {
        assert!(!names.contains(&format!("\"{name}\"")), "{name}");
    }
    assert_eq!(body("return [eval('1+1'), new Function('return typeof process')()]").await, json!([2, "undefined"]));
    for source in ["import 'fs'; export default () => 1", "import x from './x.js'; export default () => x"] {
        let error = run("code", json!({"source": source})).await.unwrap_err();
        assert!(error.message.contains("module") || error.message.contains("resolv"), "{}", error.message);
    }
    let error =
        run("code", json!({"source": "export default async () => (await import('/etc/passwd')).default"})).await;
    assert_eq!(error.unwrap_err().class, Failed);
}

#[tokio::test]
async fn nothing_passes_from_one_call_to_the_next() {
    body("globalThis.left = 1; Array.prototype.map = null; JSON.stringify = null; return 1").await;
    assert_eq!(body("return [typeof left, [1].map((x) => x + 1)]").await, json!(["undefined", [2]]));
}

#[tokio::test]
async fn the_console_is_streamed() {
    let source = "export default () => { console.log('a', 1, {b: [2]}); console.error(new TypeError('no')); console.log('x\\ny', undefined, null); console.warn() }";
    let job = Job::new("code", json!({"source": source})).secrets(&["[2]"]);
    job.run().await.unwrap();
    let expected = [
        (Stream::Out, "a 1 {\"b\":***}"),
        (Stream::Err, "TypeError: no"),
        (Stream::Out, "x"),
        (Stream::Out, "y undefined null"),
        (Stream::Err, ""),
    ];
    assert_eq!(job.kept.lines(), expected.map(|(stream, text)| (stream, text.to_owned())));
}

#[tokio::test]
async fn errors_name_the_users_lines() {
    let source = "const helper = (x) => {\n  return x.missing.more;\n};\n\nexport default (args) => helper(args);\n";
    let message = fails("code", json!({"source": source}), Failed, "thrown").await;
    assert!(message.starts_with("TypeError: "), "{message}");
    assert!(message.contains("helper (code.js:2:") && message.contains("code.js:5:"), "{message}");
    assert_eq!(message.lines().count(), 3, "{message}");
    let message = fails("code", json!({"source": "\n\nexport default () => { let 1 }"}), Invalid, "syntax").await;
    assert!(message.starts_with("SyntaxError: ") && message.contains("line 3"), "{message}");
    let message =
        fails("code", json!({"source": "export default () => { throw 'just text' }"}), Failed, "thrown").await;
    assert!(message.contains("just text"));
    let rejected = json!({"source": "export default async () => { class Odd extends Error { name = 'Odd' }; throw new Odd('why') }"});
    assert!(fails("code", rejected, Failed, "thrown").await.starts_with("Odd: why\n"));
    for source in ["export const x = 1", "export default 7", "1 + 1", ""] {
        fails("code", json!({"source": source}), Invalid, "no_function").await;
    }
    let message =
        fails("code", json!({"source": "export default () => new Promise(() => {})"}), Failed, "thrown").await;
    assert!(message.contains("nothing can settle"));
}

#[tokio::test]
async fn loops_without_end_are_ended() {
    for source in [
        "for (;;) {}",
        "return (async () => { for (;;) await 0 })()",
        "return /^(a+)+$/.test('a'.repeat(40) + 'b')",
        "try { for (;;) {} } catch { for (;;) {} } finally { for (;;) {} }",
        "const f = () => Promise.resolve().then(f); return f()",
        "return [...(function* () { for (;;) yield })()].length",
        "Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)",
        "Array.prototype.reverse.call({ length: 2 ** 53 - 1 })",
        "return JSON.stringify({ toJSON() { for (;;) {} } })",
        "return { toJSON() { for (;;) {} } }",
        "return { then() { for (;;) {} } }",
        "[3, 2, 1].sort(() => { for (;;) {} })",
    ] {
        let with = json!({"source": format!("export default () => {{ {source} }}"), "memory": "2GiB"});
        let job = Job::new("code", with).timeout(Duration::from_millis(300));
        let started = Instant::now();
        let error = job.run().await.expect_err(source);
        assert_eq!(error.class, Timeout, "{source}: {}", error.message);
        assert!(started.elapsed() < Duration::from_secs(30), "{source}: {:?}", started.elapsed());
    }
    let job = Job::new("code", json!({"source": "export default () => { console.log('on'); for (;;) {} }"}));
    let cancel = async {
        job.kept.wait_for(|it| it == "on").await;
        job.stop.cancel();
    };
    let (result, ()) = tokio::join!(job.run(), cancel);
    assert_eq!(result.unwrap_err().class, Cancelled);
}

#[tokio::test]
async fn work_inside_of_one_built_in_function_is_ended() {
    for source in [
        "return (3n ** 4000000n).toString()",
        "return new Array(2 ** 32 - 2).join('')",
        "const a = Array(2 ** 32 - 2); return a.lastIndexOf(1)",
        "return 'a'.repeat(2 ** 24).split('').sort(() => 1).length",
        "return 'ab'.repeat(2 ** 20).lastIndexOf('ab'.repeat(2 ** 19) + 'c')",
        "return 'a'.repeat(2 ** 20).replace(/(a?){30}a{30}b/g, '').length",
        "let x = 3n; for (;;) x *= x",
    ] {
        let with = json!({"source": format!("export default () => {{ {source} }}"), "memory": "1GiB"});
        let started = Instant::now();
        // It may be quick, run out of something, or run out of time.
        let _ = Job::new("code", with).timeout(Duration::from_millis(300)).run().await;
        assert!(started.elapsed() < Duration::from_secs(30), "{source}: {:?}", started.elapsed());
    }
}

#[tokio::test]
async fn memory_and_stack_are_bounded() {
    for source in [
        "const l = []; for (;;) l.push(new Array(1000).fill(7))",
        "let s = 'x'; for (;;) s += s",
        "return 'x'.repeat(2 ** 29)",
        "return new Uint8Array(2 ** 30).length",
        "return new ArrayBuffer(2 ** 30)",
        "return JSON.parse('[' + '1,'.repeat(2 ** 24) + '1]').length",
        "const o = {}; for (let i = 0; ; i++) o['k' + i] = i",
    ] {
        let with = json!({"source": format!("export default () => {{ {source} }}")});
        let error = run("code", with).await.expect_err(source);
        assert_eq!(error.class, Failed, "{source}");
        let known = matches!(error.code.as_deref(), Some("memory" | "thrown"));
        assert!(known, "{source}: {:?} {}", error.code, error.message);
    }
    for source in [
        "const f = () => 1 + f(); return f()",
        "const f = (n) => [n].map(f); return f(1)",
        "let s = '('.repeat(1e5); return new RegExp(s)",
        "return eval('('.repeat(1e6))",
        "return JSON.parse('['.repeat(1e6))",
    ] {
        let with = json!({"source": format!("export default () => {{ {source} }}")});
        fails("code", with, Failed, "thrown").await;
    }
    let with = json!({"source": "export default () => 'x'.repeat(2 ** 21).length", "memory": "1 MiB"});
    fails("code", with, Failed, "memory").await;
    let with = json!({"source": "export default () => new Array(2 ** 24).fill(1).length", "memory": "512MiB"});
    assert_eq!(run("code", with).await.unwrap(), json!(16_777_216));
}

#[tokio::test]
async fn wrong_parameters_are_refused() {
    for with in [
        json!({}),
        json!({"source": "export default () => 1", "language": "ts"}),
        json!({"source": "export default () => 1", "memory": "lots"}),
        json!({"source": "export default () => 1", "memory": 5}),
        json!({"source": "export default () => 1", "arguments": {}}),
    ] {
        fails("code", with, Invalid, "bad_with").await;
    }
}

#[tokio::test]
async fn many_calls_at_once_all_end() {
    let calls = (0..64).map(|n| async move {
        run("code", json!({"source": "export default ({ n }) => n * 2", "args": {"n": n}})).await.unwrap()
    });
    let results = futures_util::future::join_all(calls).await;
    assert!(results.iter().enumerate().all(|(n, it)| *it == json!(n * 2)));
}

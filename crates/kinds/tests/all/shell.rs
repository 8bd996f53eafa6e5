use std::time::{Duration, Instant};

use drawloom_blueprint::ErrorClass::{Cancelled, Failed, Invalid, Timeout};
use drawloom_queue::Stream;
use rustix::process::{Pid, test_kill_process};
use serde_json::json;

use crate::support::{Job, fails, run};

/// Whether a process is there and no zombie.
fn lives(pid: &str) -> bool {
    let raw: i32 = pid.trim().parse().expect("a process id");
    let state = std::fs::read_to_string(format!("/proc/{raw}/stat")).unwrap_or_default();
    let zombie = state.rsplit(')').next().is_some_and(|it| it.trim_start().starts_with('Z'));
    test_kill_process(Pid::from_raw(raw).expect("not 0")).is_ok() && !zombie
}

#[tokio::test]
async fn a_command_returns_its_output() {
    let returned = run("shell", json!({"command": "printf ' a b \\n'; echo c >&2"})).await.unwrap();
    assert_eq!(returned, json!({"stdout": " a b \n", "stderr": "c\n", "exit_code": 0, "output": "a b"}));
}

#[tokio::test]
async fn arguments_need_no_quoting() {
    let returned = run("shell", json!({"argv": ["printf", "%s|", "a b", "$HOME", 7, {"x": 1}]})).await.unwrap();
    assert_eq!(returned["stdout"], "a b|$HOME|7|{\"x\":1}|");
}

#[tokio::test]
async fn output_is_parsed() {
    let with = json!({"command": "echo '{\"n\": [1, 2]}'", "parse": "json"});
    assert_eq!(run("shell", with).await.unwrap()["output"], json!({"n": [1, 2]}));
    let with = json!({"command": "printf 'a\\r\\n\\nb'", "parse": "lines"});
    assert_eq!(run("shell", with).await.unwrap()["output"], json!(["a", "", "b"]));
    let with = json!({"command": "echo nothing", "parse": "json"});
    assert!(fails("shell", with, Failed, "bad_output").await.contains("not JSON"));
    // What can be parsed is more than what is returned.
    let with = json!({"command": "yes 12345678 | head -n 300000", "parse": "lines"});
    let returned = run("shell", with).await.unwrap();
    assert_eq!(returned["output"].as_array().unwrap().len(), 300_000);
    assert!(returned["stdout"].as_str().unwrap().len() < (1 << 20) + 100);
}

#[tokio::test]
async fn input_is_read_and_may_be_left_unread() {
    let text = "x".repeat(1 << 20);
    let returned = run("shell", json!({"command": "wc -c", "stdin": text})).await.unwrap();
    assert_eq!(returned["output"], "1048576");
    let returned = run("shell", json!({"command": "true", "stdin": text})).await.unwrap();
    assert_eq!(returned["exit_code"], 0);
    let returned = run("shell", json!({"command": "cat", "stdin": {"a": 1}, "parse": "json"})).await.unwrap();
    assert_eq!(returned["output"], json!({"a": 1}));
    let returned = run("shell", json!({"command": "cat"})).await.unwrap();
    assert_eq!(returned["output"], "");
}

#[tokio::test]
async fn only_named_variables_are_inherited() {
    let with = json!({"command": "env | cut -d= -f1 | sort", "env": {"MINE": "1"}, "parse": "lines"});
    let returned = run("shell", with).await.unwrap();
    let names: Vec<&str> = returned["output"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    for name in &names {
        let known = ["PATH", "HOME", "LANG", "MINE", "PWD", "OLDPWD", "SHLVL", "_"];
        assert!(known.contains(name) || name.starts_with("DRAWLOOM_"), "{name}");
    }
    assert!(names.contains(&"MINE") && names.contains(&"PATH"));
    // Test runners set this one.
    let with = json!({"command": "echo $CARGO_MANIFEST_DIR", "inherit_env": ["CARGO_MANIFEST_DIR"]});
    assert_ne!(run("shell", with).await.unwrap()["output"], "");
    let with =
        json!({"command": "echo $DRAWLOOM_RUN_ID $DRAWLOOM_STEP $DRAWLOOM_ATTEMPT $N $B", "env": {"N": 7, "B": true}});
    assert_eq!(run("shell", with).await.unwrap()["output"], "00000000000000000000000007 outer[1].inner 2 7 true");
}

#[tokio::test]
async fn a_program_is_the_first_in_the_path_that_can_be_run() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str, mode: u32| {
        let place = folder.path().join(name);
        std::fs::create_dir(&place).unwrap();
        std::fs::write(place.join("tool"), format!("#!/bin/sh\necho {name}\n")).unwrap();
        std::fs::set_permissions(place.join("tool"), std::fs::Permissions::from_mode(mode)).unwrap();
        place.display().to_string()
    };
    let path = [place("plain", 0o644), place("right", 0o755), place("later", 0o755)].join(":");
    let returned = run("shell", json!({"argv": ["tool"], "env": {"PATH": path}})).await.unwrap();
    assert_eq!(returned["output"], "right");
}

#[tokio::test]
async fn what_no_variable_can_be_called_is_refused() {
    for name in ["", "A=B", "A\0"] {
        for with in [json!({"command": "true", "env": {name: "x"}}), json!({"command": "true", "inherit_env": [name]})]
        {
            let error = run("shell", with).await.unwrap_err();
            assert_eq!(error.class, Invalid, "{name:?}: {error}");
        }
    }
}

#[tokio::test]
async fn it_runs_in_its_folder_by_its_shell() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap();
    let returned = run("shell", json!({"command": "pwd", "workdir": path})).await.unwrap();
    assert_eq!(returned["output"], path.to_str().unwrap());
    let returned = run("shell", json!({"command": "echo $0", "shell": "bash"})).await.unwrap();
    assert_eq!(returned["output"], "bash".replace("bash", returned["output"].as_str().unwrap()));
    assert!(returned["output"].as_str().unwrap().ends_with("bash"));
    fails("shell", json!({"command": "pwd", "workdir": "/no/such/folder"}), Invalid, "no_workdir").await;
}

#[tokio::test]
async fn failures_say_how_and_show_the_end_of_stderr() {
    let with = json!({"command": "seq 1 2000 >&2; echo last words >&2; exit 3"});
    let message = fails("shell", with, Failed, "exit_code").await;
    assert!(message.starts_with("exited with 3: ...") && message.ends_with("last words"), "{message}");
    assert!(message.len() < 2100);
    assert_eq!(fails("shell", json!({"command": "echo out; exit 1"}), Failed, "exit_code").await, "exited with 1: out");
    assert_eq!(fails("shell", json!({"command": "kill -9 $$"}), Failed, "signal").await, "killed by SIGKILL");
    let message = fails("shell", json!({"command": "sh -c 'kill -SEGV $$'; exit $?"}), Failed, "exit_code").await;
    assert!(message.starts_with("exited with 139 (SIGSEGV)"), "{message}");
}

#[tokio::test]
async fn wrong_parameters_are_refused() {
    fails("shell", json!({"argv": ["no-such-program-anywhere"]}), Invalid, "no_program").await;
    fails("shell", json!({"argv": ["/etc/passwd"]}), Invalid, "no_program").await;
    for with in [
        json!({}),
        json!({"command": "true", "argv": ["true"]}),
        json!({"argv": []}),
        json!({"command": "a\u{0}b"}),
        json!({"command": "true", "env": {"A=B": "x"}}),
        json!({"command": "true", "env": {"A": "\u{0}"}}),
        json!({"command": "true", "parse": "xml"}),
        json!({"command": "true", "comand": "true"}),
        json!({"command": 7}),
    ] {
        fails("shell", with, Invalid, "bad_with").await;
    }
    let long = "x".repeat(4 << 20);
    fails("shell", json!({"argv": ["echo", long]}), Invalid, "too_long").await;
}

#[tokio::test]
async fn lines_come_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("go");
    let command =
        format!("mkfifo {0}; echo ready; echo also >&2; read x < {0}; printf 'got '; printf $x", pipe.display());
    let job = Job::new("shell", json!({"command": command}));
    let answer = async {
        job.kept.wait_for(|it| it == "ready").await;
        job.kept.wait_for(|it| it == "also").await;
        tokio::fs::write(&pipe, "it\n").await.unwrap();
    };
    let (returned, ()) = tokio::join!(job.run(), answer);
    assert_eq!(returned.unwrap()["output"], "ready\ngot it");
    let lines = job.kept.lines();
    assert!(lines.contains(&(Stream::Err, "also".to_owned())));
    assert_eq!(lines.last(), Some(&(Stream::Out, "got it".to_owned())));
    let quiet = Job::new("shell", json!({"command": "echo x", "stream": false}));
    quiet.run().await.unwrap();
    assert_eq!(quiet.kept.lines(), []);
}

#[tokio::test]
async fn output_without_end_is_bounded_and_says_so() {
    let with = json!({"command": "echo first; yes aaaaaaaaaaaaaaaaaaaaaaaaaaa | head -c 20000000; echo; echo last", "stream": false});
    let returned = run("shell", with).await.unwrap();
    let text = returned["stdout"].as_str().unwrap();
    assert!(text.len() < (1 << 20) + 200, "{}", text.len());
    assert!(text.starts_with("first\n") && text.ends_with("last\n") && text.contains("bytes left out ...]"));
    // Text that is not UTF-8 does not stop anything.
    let returned = run("shell", json!({"command": "printf 'a\\377b'"})).await.unwrap();
    assert_eq!(returned["stdout"], "a\u{fffd}b");
}

#[tokio::test]
async fn secrets_are_hidden_everywhere() {
    let secret = "correct horse battery";
    let with = json!({"command": "echo \"$S\"; echo \"$S\" >&2; echo \"[\\\"$S\\\"]\" | cat", "env": {"S": secret}});
    let job = Job::new("shell", with).secrets(&[secret]);
    let returned = job.run().await.unwrap();
    assert!(!returned.to_string().contains("horse"), "{returned}");
    assert!(returned["stdout"].as_str().unwrap().contains("***"));
    assert!(job.kept.lines().iter().all(|(_, text)| !text.contains("horse")));
    let job = Job::new("shell", json!({"command": "echo \"$S\" >&2; exit 1", "env": {"S": secret}})).secrets(&[secret]);
    assert_eq!(job.run().await.unwrap_err().message, "exited with 1: ***");
    // A long stream is cut, but no secret in two.
    let command = "while :; do printf '%s-' \"$S\"; done | head -c 3080000";
    let job = Job::new("shell", json!({"command": command, "env": {"S": secret}})).secrets(&[secret]);
    let text = job.run().await.unwrap()["stdout"].as_str().unwrap().to_owned();
    let inner = text.replace("***-", "");
    assert!(inner.len() < 200 && !inner.contains("hors") && !inner.contains("batt"), "{inner}");
}

#[tokio::test]
async fn a_deadline_ends_the_whole_group() {
    let command = "sleep 1000 & echo $!; (sleep 1001 & echo $!; wait) & echo $!; wait";
    let job = Job::new("shell", json!({"command": command})).timeout(Duration::from_millis(300));
    let started = Instant::now();
    let error = job.run().await.unwrap_err();
    assert_eq!((error.class, error.message.as_str()), (Timeout, "took longer than 300ms"));
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    let pids = job.kept.lines();
    assert_eq!(pids.len(), 3);
    assert!(pids.iter().all(|(_, pid)| !lives(pid)), "{pids:?}");
}

#[tokio::test]
async fn a_cancelled_command_may_clean_up() {
    let command = "trap 'echo cleaned; exit 0' TERM; echo $$; while :; do sleep 0.05; done";
    let job = Job::new("shell", json!({"command": command}));
    let cancel = async {
        job.kept.wait_for(|_| true).await;
        job.stop.cancel();
    };
    let (result, ()) = tokio::join!(job.run(), cancel);
    assert_eq!(result.unwrap_err().class, Cancelled);
    assert_eq!(job.kept.lines()[1].1, "cleaned");
}

#[tokio::test]
async fn who_does_not_listen_is_killed() {
    let command = "trap '' TERM; (trap '' TERM; echo $$; while :; do sleep 0.05; done) > /dev/null & echo $!; while :; do sleep 0.05; done";
    let job = Job::new("shell", json!({"command": command}));
    let cancel = async {
        job.kept.wait_for(|_| true).await;
        job.stop.cancel();
        Instant::now()
    };
    let (result, started) = tokio::join!(job.run(), cancel);
    assert_eq!(result.unwrap_err().class, Cancelled);
    let took = started.elapsed();
    assert!(took >= Duration::from_secs(2) && took < Duration::from_secs(4), "{took:?}");
    assert!(!lives(&job.kept.lines()[0].1));
}

#[tokio::test]
async fn a_descendant_that_does_not_listen_is_killed_though_its_parents_went() {
    let command = "sh -c '(trap \"\" TERM; echo $$; while :; do sleep 0.05; done) & wait' & echo $!; wait";
    let job = Job::new("shell", json!({"command": command})).timeout(Duration::from_millis(400));
    let started = Instant::now();
    assert_eq!(job.run().await.unwrap_err().class, Timeout);
    let took = started.elapsed();
    assert!(took >= Duration::from_secs(2) && took < Duration::from_secs(5), "{took:?}");
    let pids = job.kept.lines();
    assert_eq!(pids.len(), 2);
    assert!(pids.iter().all(|(_, pid)| !lives(pid)), "{pids:?}");
}

#[tokio::test]
async fn a_command_that_does_not_read_its_input_ends_as_any_other() {
    let text = "x".repeat(4 << 20);
    let job = Job::new("shell", json!({"command": "exec sleep 1000", "stdin": text}));
    let job = job.timeout(Duration::from_millis(300));
    let started = Instant::now();
    assert_eq!(job.run().await.unwrap_err().class, Timeout);
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    let returned = run("shell", json!({"command": "exec 0<&-; echo on", "stdin": text})).await.unwrap();
    assert_eq!(returned["output"], "on");
    // One that writes as much as it reads, and more than pipes hold.
    let returned = run("shell", json!({"command": "cat | cat", "stdin": text, "parse": "lines"})).await.unwrap();
    assert_eq!(returned["output"][0].as_str().unwrap().len(), 4 << 20);
}

#[tokio::test]
async fn bytes_that_are_no_text_harm_nothing() {
    let with = json!({"command": "printf 'a\\0b\\377\\n'; head -c 3000000 /dev/urandom"});
    let returned = run("shell", with).await.unwrap();
    assert!(returned["stdout"].as_str().unwrap().starts_with("a\u{0}b\u{fffd}\n"));
}

#[tokio::test]
async fn what_stays_in_the_background_holds_nothing_up() {
    let job = Job::new("shell", json!({"command": "sleep 1000 & echo $!"}));
    let started = Instant::now();
    let returned = job.run().await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(30));
    assert!(!lives(returned["output"].as_str().unwrap()));
    // Even out of reach, in a session of its own.
    let started = Instant::now();
    let returned = run("shell", json!({"command": "setsid sleep 60 & echo left"})).await.unwrap();
    assert_eq!(returned["output"], "left");
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn a_dropped_attempt_leaves_nothing_behind() {
    let job = Job::new("shell", json!({"command": "sleep 1000 & echo $!; wait"}));
    let pid = tokio::select! {
        pid = job.kept.wait_for(|_| true) => pid,
        _ = job.run() => panic!("it cannot end"),
    };
    let gone = async {
        while lives(&pid) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), gone).await.expect("it is killed");
}

#[tokio::test]
async fn a_cancelled_task_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let job = Job::new("shell", json!({"command": "touch here", "workdir": folder.path()}));
    job.stop.cancel();
    assert_eq!(job.run().await.unwrap_err().class, Cancelled);
    assert!(!folder.path().join("here").exists());
}

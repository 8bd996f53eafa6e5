//! Seeds that every build plays: a fixed set, and a short hunt among new ones.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant, SystemTime},
};

use sim::{Report, Show, play};

fn sound(report: &Report) {
    if let Some(broken) = &report.broken {
        let flows = broken.flows.join("\n");
        let last = broken.last.join("\n");
        panic!("{flows}\n{}\n{last}\nseed {}: {}", broken.plan, report.seed, broken.why);
    }
}

/// Plays seeds from `first` on, on all processors, for as long as `goes` says.
fn play_all(first: u64, goes: impl Fn(u64) -> bool + Sync) {
    let next = AtomicU64::new(first);
    let play_some = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if !goes(seed) {
                return;
            }
            sound(&play(seed, Show::Last));
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(play_some);
        }
    });
}

#[test]
fn fixed_seeds() {
    play_all(0, |seed| seed < 700);
}

#[test]
fn a_seed_goes_the_same_way_each_time() {
    for seed in 0..30 {
        assert_eq!(play(seed, Show::Last).hash, play(seed, Show::Last).hash, "seed {seed}");
    }
}

#[test]
fn a_short_hunt() {
    let began = Instant::now();
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock that is set");
    play_all(since.as_secs() * 1_000, |_| began.elapsed() < Duration::from_secs(45));
}

/// The deliberate defects of `mutants/` stand where the sources still are as they were when these were written.
#[test]
fn the_mutants_fit_the_sources() {
    let sim = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut seen, mut stale) = (0, Vec::new());
    for entry in fs::read_dir(sim.join("mutants")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|it| it != "patch") {
            continue;
        }
        let patch = fs::read_to_string(&path).unwrap();
        let (mut source, mut before, places) = (String::new(), Vec::<String>::new(), seen);
        for line in patch.lines().chain(["@@"]) {
            if let Some(file) = line.strip_prefix("+++ b/") {
                source = fs::read_to_string(sim.join("..").join(file)).unwrap();
            } else if line.starts_with("@@") || line.starts_with("---") {
                let hunk = std::mem::take(&mut before).concat();
                seen += usize::from(!hunk.is_empty());
                if !source.contains(&hunk) {
                    stale.push(format!("{}:\n{hunk}", path.display()));
                }
            } else if let Some(text) = line.strip_prefix([' ', '-']) {
                before.push(format!("{text}\n"));
            } else if line.is_empty() {
                before.push("\n".to_owned());
            }
        }
        assert!(seen > places, "{} changes nothing", path.display());
    }
    assert!(seen >= 28, "{seen} places");
    assert!(stale.is_empty(), "these do not fit any more:\n{}", stale.join("\n"));
}

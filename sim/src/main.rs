//! `sim`: plays seeds of the simulator.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Parser;
use sim::{Report, Show, play};

/// Plays seeds of the deterministic simulator.
#[derive(Parser)]
struct Args {
    /// Play this seed.
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Play the seeds from the first number up to the second: `0..1000`.
    #[arg(long, value_parser = range)]
    seeds: Option<(u64, u64)>,
    /// Stop after so many minutes.
    #[arg(long)]
    minutes: Option<f64>,
    /// Print everything that happens.
    #[arg(short, long)]
    verbose: bool,
}

fn range(text: &str) -> Result<(u64, u64), String> {
    let wrong = || format!("`{text}` is not a range such as 0..1000");
    let (from, to) = text.split_once("..").ok_or_else(wrong)?;
    let to = if to.is_empty() { u64::MAX } else { to.parse().map_err(|_| wrong())? };
    Ok((from.parse().map_err(|_| wrong())?, to))
}

#[expect(clippy::print_stdout, reason = "this is what the program is for")]
fn main() -> ExitCode {
    let args = Args::parse();
    let show = if args.verbose { Show::All } else { Show::Last };
    let (from, to) = match args.seed {
        Some(seed) => (seed, seed.saturating_add(1)),
        None => args.seeds.unwrap_or((0, 1_000)),
    };
    let began = Instant::now();
    let limit = args.minutes.map(|it| Duration::from_secs_f64(it * 60.0));
    let (mut played, mut moves) = (0_u64, 0_u64);
    for seed in from..to {
        if limit.is_some_and(|it| began.elapsed() > it) {
            break;
        }
        let report = play(seed, show);
        played += 1;
        moves += report.moves;
        if report.broken.is_some() {
            tell(&report);
            println!("broken at seed {seed}, the {played}th, after {:.1} s", began.elapsed().as_secs_f64());
            return ExitCode::FAILURE;
        }
        if args.seed.is_some() {
            println!("seed {seed}: trace {:016x}", report.hash);
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    println!("{played} seeds, {moves} steps, {seconds:.1} s: {:.0} steps a minute", moves as f64 * 60.0 / seconds);
    ExitCode::SUCCESS
}

#[expect(clippy::print_stdout, reason = "this is what the program is for")]
fn tell(report: &Report) {
    let Some(broken) = &report.broken else { return };
    for flow in &broken.flows {
        println!("{flow}");
    }
    println!("{}", broken.plan);
    for line in &broken.last {
        println!("{line}");
    }
    println!("\nseed {}: {}", report.seed, broken.why);
    println!("play it again with `cargo run -p sim -- --seed {} -v`", report.seed);
}

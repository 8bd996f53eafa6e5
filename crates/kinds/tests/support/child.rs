//! Stands for the program in tests: does one transformation and ends.

use std::process::ExitCode;

fn main() -> ExitCode {
    drawloom_kinds::transform_child()
}

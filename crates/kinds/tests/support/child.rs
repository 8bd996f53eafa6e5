//! Stands for the program in tests: is the child that does code and jq.

use std::process::ExitCode;

fn main() -> ExitCode {
    drawloom_kinds::child_main()
}

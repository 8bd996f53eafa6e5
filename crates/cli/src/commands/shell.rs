//! `drawloom completions`, and the man pages for packagers.

use std::path::PathBuf;

use clap::{Args, CommandFactory};

use crate::{Done, args::Cli, failure::Failure, output};

/// Print completions for a shell
#[derive(Args)]
#[command(after_help = "Examples:\n  drawloom completions bash > /etc/bash_completion.d/drawloom\n  \
                        drawloom completions zsh > ~/.zfunc/_drawloom\n  drawloom completions fish | source")]
pub(crate) struct Completions {
    shell: clap_complete::Shell,
}

impl Completions {
    pub(crate) fn go(self) -> Done {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "drawloom", &mut text);
        output::raw(&text);
        Ok(0)
    }
}

/// Write man pages, one per command
#[derive(Args)]
#[command(after_help = "Example:\n  drawloom man /usr/share/man/man1")]
pub(crate) struct Man {
    /// The folder for them
    folder: PathBuf,
}

impl Man {
    pub(crate) fn go(self) -> Done {
        let wrong = |it: std::io::Error| Failure::usage(format!("{}: {it}", self.folder.display()));
        std::fs::create_dir_all(&self.folder).map_err(wrong)?;
        clap_mangen::generate_to(Cli::command(), &self.folder).map_err(wrong)?;
        Ok(0)
    }
}

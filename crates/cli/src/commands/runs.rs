//! `drawloom runs`: look at runs and steer them.

mod facts;
mod filter;
mod fork;
mod list;
mod logs;
mod show;
mod steer;
mod timeline;

use clap::{Args, Subcommand};

pub(super) use list::find;

use crate::{Done, settings::Settings, store::Use, workshop::Workshop};

/// List runs, look into them, steer them, fork them
#[derive(Args)]
#[command(after_help = "RUN is a run's id or the beginning of it; `last` is the newest run.")]
pub(crate) struct Runs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    List(list::List),
    Show(show::Show),
    Logs(logs::Logs),
    Facts(facts::Facts),
    State(show::State),
    Why(show::Why),
    Cancel(steer::Cancel),
    Pause(steer::Pause),
    Resume(steer::Resume),
    Signal(steer::Signal),
    Fork(fork::Fork),
    Replay(fork::Replay),
    Delete(steer::Delete),
}

impl What {
    /// Looking works beside the process that owns the store; steering does not.
    fn needs(&self) -> Use {
        match self {
            Self::List(_) | Self::Show(_) | Self::Logs(_) | Self::Facts(_) | Self::State(_) | Self::Why(_) => Use::Read,
            _ => Use::Write,
        }
    }
}

impl Runs {
    pub(crate) async fn go(self, settings: Settings) -> Done {
        let workshop = Workshop::open(settings, self.what.needs())?;
        let done = match self.what {
            What::List(it) => it.go(&workshop).await,
            What::Show(it) => it.go(&workshop).await,
            What::Logs(it) => it.go(&workshop).await,
            What::Facts(it) => it.go(&workshop).await,
            What::State(it) => it.go(&workshop).await,
            What::Why(it) => it.go(&workshop).await,
            What::Cancel(it) => it.go(&workshop).await,
            What::Pause(it) => it.go(&workshop).await,
            What::Resume(it) => it.go(&workshop).await,
            What::Signal(it) => it.go(&workshop).await,
            What::Fork(it) => it.go(&workshop).await,
            What::Replay(it) => it.go(&workshop).await,
            What::Delete(it) => it.go(&workshop).await,
        };
        workshop.close().await?;
        done
    }
}

//! `drawloom runs`: look at runs and steer them.

mod facts;
mod list;
mod logs;
mod show;
mod steer;

use clap::{Args, Subcommand};

use crate::{Done, settings::Settings, store::Use, workshop::Workshop};

/// List runs, look into them, steer them, fork them
#[derive(Args)]
#[command(after_help = "Examples:\n  drawloom runs list --status failed --since 1h\n  drawloom runs show 01j9x2\n  \
                        drawloom runs logs 01j9x2 fetch\n  drawloom runs why 01j9x2 publish\n  \
                        drawloom runs signal 01j9x2 approved --payload '{\"by\": \"Ada\"}'\n  \
                        drawloom runs fork 01j9x2 --from publish --dry-run\n\n\
                        RUN is a run's id or the beginning of it; `last` is the newest run.")]
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
    Fork(steer::Fork),
    Replay(steer::Replay),
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

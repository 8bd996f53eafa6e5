//! The loom: shard loop, timers, recovery, dispatch and live events.
//!
//! [`Loom`] owns the runs of a store and moves them: it gives inputs to the engine, commits the facts of many runs at
//! once, and then releases what follows from them. [`Reader`] reads runs and owns nothing.
//!
//! **Invariant:** commit, then act. No effect, answer or event leaves before the facts behind it are durable.

mod attempt;
mod audit;
mod batch;
mod blobs;
mod cache;
mod children;
mod clock;
mod commit;
mod core;
mod data;
mod dispatch;
mod error;
mod event;
mod fork;
mod inbox;
mod keys;
mod live;
mod load;
mod logs;
mod loom;
mod output;
mod reader;
mod recovery;
mod release;
mod secrets;
mod settings;
mod shard;
mod slots;
mod start;
mod take;
mod timers;
mod trail;
mod versions;
mod view;

pub use clock::{SystemWorld, World, new_run_id, now};
pub use error::Error;
pub use event::{Event, Events, Seen, What};
pub use fork::{Fork, ForkView};
pub use inbox::Taken;
pub use loom::{Loom, Recover};
pub use reader::{Reader, Recorded};
pub use secrets::SecretBook;
pub use settings::{Settings, Work};
pub use start::{Begun, Start, Which};
pub use view::RunView;

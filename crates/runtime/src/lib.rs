//! The loom: shard loop, timers, recovery, dispatch and live events.

//! Executors of task steps: one file per kind, its schema beside it.

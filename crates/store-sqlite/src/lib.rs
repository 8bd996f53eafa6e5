//! The SQLite store: one file, one writer, one transaction per group commit.

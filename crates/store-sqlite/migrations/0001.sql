-- The owner of all shards. One process owns the file, so one epoch stands for every shard.
CREATE TABLE ownership (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    epoch INTEGER NOT NULL,
    owner TEXT NOT NULL
) STRICT;
INSERT INTO ownership VALUES (1, 0, '');

-- The index of runs, one row each, derived from the run's facts and written with them.
-- status: 0 queued, 1 running, 2 paused; ended: 3 succeeded, 4 failed, 5 cancelled.
-- Instants are microseconds since 1970; ids are 16 bytes, so that they sort by start time.
CREATE TABLE runs (
    id              BLOB PRIMARY KEY,
    flow            TEXT NOT NULL,
    version         BLOB NOT NULL,
    number          INTEGER,
    labels          TEXT NOT NULL,
    started_at      INTEGER NOT NULL,
    parent          BLOB,
    concurrency_key TEXT,
    idempotency_key TEXT,
    status          INTEGER NOT NULL,
    ended_at        INTEGER,
    next_due        INTEGER,
    in_flight       INTEGER NOT NULL,
    error           TEXT,
    last_seq        INTEGER NOT NULL,
    fact_bytes      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX runs_by_flow ON runs (flow, id);
CREATE INDEX runs_by_parent ON runs (parent, id) WHERE parent IS NOT NULL;
CREATE UNIQUE INDEX runs_by_key ON runs (idempotency_key) WHERE idempotency_key IS NOT NULL;
-- An unended run is in one of the first two: with attempts in flight, or asleep.
CREATE INDEX runs_busy ON runs (id) WHERE status < 3 AND in_flight > 0;
CREATE INDEX runs_asleep ON runs (id) WHERE status < 3 AND in_flight = 0;
CREATE INDEX runs_due ON runs (next_due, id) WHERE status < 3 AND next_due IS NOT NULL;
CREATE INDEX runs_ended ON runs (flow, ended_at, id) WHERE status >= 3;

CREATE TABLE run_labels (
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    run   BLOB NOT NULL,
    PRIMARY KEY (name, value, run)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_blobs (
    run  BLOB NOT NULL,
    blob BLOB NOT NULL,
    PRIMARY KEY (run, blob)
) STRICT, WITHOUT ROWID;

-- The journal. A row holds the facts of one run from one append, from number seq on, one after the other:
-- signed varint microseconds since the fact before (the first: since 1970), varint length, bytes.
CREATE TABLE facts (
    run  BLOB NOT NULL,
    seq  INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE versions (
    hash      BLOB PRIMARY KEY,
    blueprint BLOB NOT NULL,
    source    TEXT
) STRICT;

CREATE TABLE published (
    flow   TEXT NOT NULL,
    number INTEGER NOT NULL,
    hash   BLOB NOT NULL,
    note   TEXT NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (flow, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE flows (
    name   TEXT PRIMARY KEY,
    active INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE secrets (
    name       TEXT PRIMARY KEY,
    sealed     BLOB NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE results (
    key     BLOB PRIMARY KEY,
    output  BLOB NOT NULL,
    expires INTEGER NOT NULL
) STRICT;
CREATE INDEX results_by_expiry ON results (expires);

-- Attempts that print, how much of each log is kept, and what was cut from it.
CREATE TABLE log_sources (
    key        INTEGER PRIMARY KEY,
    run        BLOB NOT NULL,
    path       TEXT NOT NULL,
    attempt    INTEGER NOT NULL,
    last_seq   INTEGER,
    head       INTEGER NOT NULL DEFAULT 0,
    tail       INTEGER NOT NULL DEFAULT 0,
    cut_lines  INTEGER NOT NULL DEFAULT 0,
    cut_cost   INTEGER NOT NULL DEFAULT 0,
    cut_first  INTEGER NOT NULL DEFAULT 0,
    cut_batch  INTEGER NOT NULL DEFAULT 0,
    cut_last   INTEGER NOT NULL DEFAULT 0,
    cut_at     INTEGER NOT NULL DEFAULT 0,
    UNIQUE (run, path, attempt)
) STRICT;

-- Lines of one attempt from one append. part: 0 head, which stays; 1 tail, whose oldest rows go first.
CREATE TABLE log_batches (
    batch     INTEGER PRIMARY KEY,
    run       BLOB NOT NULL,
    source    INTEGER NOT NULL,
    part      INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq  INTEGER NOT NULL,
    lines     INTEGER NOT NULL,
    cost      INTEGER NOT NULL,
    last_at   INTEGER NOT NULL,
    body      BLOB NOT NULL
) STRICT;
CREATE INDEX log_batches_by_run ON log_batches (run, batch);
CREATE INDEX log_batches_by_source ON log_batches (source, part, batch);

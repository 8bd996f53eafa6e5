-- Texts of users stand as their UTF-8 bytes (bytea): PostgreSQL's text cannot hold a zero byte, and bytes have one
-- order everywhere. Instants are microseconds since 1970. Ids of runs are stored as uuid: 16 bytes that sort by
-- start time. Where a text may be long, an index holds its hash.

-- What this store is. Its id is made here, once, and is asked for at each connection.
CREATE TABLE store (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    id      uuid NOT NULL DEFAULT gen_random_uuid(),
    version integer NOT NULL
);

-- The epoch of the owner of all shards, and which of the owner's connections may append. Every append locks this
-- row for sharing, so a new claim waits for appends that are under way and no later one passes it.
CREATE TABLE ownership (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch   bigint NOT NULL,
    session bigint NOT NULL
);
INSERT INTO ownership (epoch, session) VALUES (0, 0);

-- Until when the owner need not be asked, by this server's clock.
CREATE TABLE lease (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    holder  uuid,
    owner   bytea NOT NULL DEFAULT '',
    expires timestamptz NOT NULL DEFAULT '-infinity'
);
INSERT INTO lease DEFAULT VALUES;

-- The index of runs, one row each. status: 0 queued, 1 running, 2 paused; ended: 3 succeeded, 4 failed, 5 cancelled.
-- last_seq and fact_bytes are those of the last time the row was written. While a run has not ended, facts may be
-- appended without a change of the row; what they add is read from their own rows.
CREATE TABLE runs (
    id              uuid PRIMARY KEY,
    flow            bytea NOT NULL,
    version         bytea NOT NULL,
    number          bigint,
    labels          bytea NOT NULL,
    started_at      bigint NOT NULL,
    parent          uuid,
    concurrency_key bytea,
    idempotency_key bytea,
    status          smallint NOT NULL,
    busy            boolean NOT NULL,
    in_flight       bigint NOT NULL,
    ended_at        bigint,
    next_due        bigint,
    error           bytea,
    last_seq        bigint NOT NULL,
    fact_bytes      bigint NOT NULL
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
CREATE INDEX runs_by_flow ON runs (flow, id);
CREATE INDEX runs_by_parent ON runs (parent, id) WHERE parent IS NOT NULL;
CREATE UNIQUE INDEX runs_by_key ON runs (sha256(idempotency_key)) WHERE idempotency_key IS NOT NULL;
-- busy: with attempts in flight, or else asleep. The count itself is in no index, so that it may change cheaply.
CREATE INDEX runs_unended ON runs (busy, id) WHERE status < 3;
CREATE INDEX runs_due ON runs (next_due, id) WHERE status < 3 AND next_due IS NOT NULL;
CREATE INDEX runs_ended ON runs (flow, ended_at, id) WHERE status >= 3;

CREATE TABLE run_labels (
    label uuid NOT NULL,
    run   uuid NOT NULL,
    PRIMARY KEY (label, run)
);
CREATE INDEX run_labels_by_run ON run_labels (run);

CREATE TABLE run_blobs (
    run  uuid NOT NULL,
    blob bytea NOT NULL,
    PRIMARY KEY (run, blob)
);
CREATE INDEX run_blobs_by_blob ON run_blobs (blob);

-- The journal. A row holds `count` facts of one run from number seq on, one after the other: signed varint
-- microseconds since the fact before (the first: since 1970), varint length, bytes. A row fits into half a page;
-- only a fact that is larger by itself goes elsewhere, and nothing is compressed.
-- The table is not partitioned: its key begins with a time-ordered id, so old runs lie together and their deletion
-- frees whole pages, while routing rows to partitions would cost each append.
CREATE TABLE facts (
    run   uuid NOT NULL,
    seq   bigint NOT NULL,
    count integer NOT NULL,
    bytes integer NOT NULL,
    body  bytea NOT NULL,
    PRIMARY KEY (run, seq)
) WITH (toast_tuple_target = 8160);
ALTER TABLE facts ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE TABLE versions (
    hash      bytea PRIMARY KEY,
    blueprint bytea NOT NULL,
    source    bytea
);

CREATE TABLE published (
    flow   bytea NOT NULL,
    number bigint NOT NULL,
    hash   bytea NOT NULL,
    note   bytea NOT NULL,
    at     bigint NOT NULL,
    PRIMARY KEY (flow, number)
);

CREATE TABLE flows (
    name   bytea PRIMARY KEY,
    active bigint NOT NULL
);

CREATE TABLE secrets (
    name       bytea PRIMARY KEY,
    sealed     bytea NOT NULL,
    updated_at bigint NOT NULL
);

CREATE TABLE results (
    key     bytea PRIMARY KEY,
    output  bytea NOT NULL,
    expires bigint NOT NULL
);
CREATE INDEX results_by_expiry ON results (expires);

-- Large outputs, in parts of equal size but for the last one.
CREATE TABLE blobs (
    hash   bytea PRIMARY KEY,
    key    bigint NOT NULL UNIQUE,
    size   bigint NOT NULL,
    put_at timestamptz NOT NULL
);
CREATE TABLE blob_parts (
    blob  bigint NOT NULL,
    at    bigint NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (blob, at)
);
ALTER TABLE blob_parts ALTER COLUMN bytes SET STORAGE EXTERNAL;
-- Blobs that are being written: their parts belong to no blob yet.
CREATE TABLE blob_drafts (
    key      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    begun_at timestamptz NOT NULL DEFAULT now()
);

-- Attempts that print, how much of each log is kept, and what was cut from it. place: the hash of path.
CREATE TABLE log_sources (
    key        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run        uuid NOT NULL,
    place      uuid NOT NULL,
    attempt    bigint NOT NULL,
    path       bytea NOT NULL,
    last_seq   bigint,
    head       bigint NOT NULL DEFAULT 0,
    tail       bigint NOT NULL DEFAULT 0,
    cut_lines  bigint NOT NULL DEFAULT 0,
    cut_cost   bigint NOT NULL DEFAULT 0,
    cut_first  bigint NOT NULL DEFAULT 0,
    cut_batch  bigint NOT NULL DEFAULT 0,
    cut_last   bigint NOT NULL DEFAULT 0,
    cut_at     bigint NOT NULL DEFAULT 0,
    UNIQUE (run, place, attempt)
);

-- Lines of one attempt from one append. part: 0 head, which stays; 1 tail, whose oldest rows go first.
CREATE TABLE log_batches (
    batch     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run       uuid NOT NULL,
    source    bigint NOT NULL,
    part      smallint NOT NULL,
    first_seq bigint NOT NULL,
    last_seq  bigint NOT NULL,
    lines     bigint NOT NULL,
    cost      bigint NOT NULL,
    last_at   bigint NOT NULL,
    body      bytea NOT NULL
);
CREATE INDEX log_batches_by_run ON log_batches (run, batch);
CREATE INDEX log_batches_by_source ON log_batches (source, part, batch);

-- Where the facts of a run end, by its row and by the facts behind it.
CREATE FUNCTION last_seq_of(wanted uuid, at_least bigint) RETURNS bigint LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT greatest(at_least, (
        SELECT f.seq + f.count - 1 FROM facts f WHERE f.run = wanted AND f.seq > at_least ORDER BY f.seq DESC LIMIT 1
    ));
END;

-- One group commit: all of it, or an error and nothing. What is asked is only what the owner cannot know by itself:
-- whether it still is the owner (DL001), whether the commits before it on this connection succeeded (DL002), and,
-- for runs that it meets for the first time, whether their facts end where it believes (DL003).
CREATE FUNCTION append(
    claimed bigint, line bigint, turn bigint,
    new_id uuid[], new_flow bytea[], new_version bytea[], new_number bigint[], new_labels bytea[],
    new_started bigint[], new_parent uuid[], new_concurrency bytea[], new_key bytea[],
    new_status smallint[], new_flight bigint[], new_ended bigint[], new_due bigint[], new_error bytea[],
    new_last bigint[], new_bytes bigint[],
    old_id uuid[], old_follows bigint[], old_status smallint[], old_flight bigint[], old_ended bigint[],
    old_due bigint[], old_error bytea[], old_last bigint[], old_bytes bigint[],
    fact_run uuid[], fact_seq bigint[], fact_count integer[], fact_bytes integer[], fact_body bytea[],
    label_label uuid[], label_run uuid[], blob_run uuid[], blob_blob bytea[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    changed bigint;
BEGIN
    PERFORM FROM ownership o WHERE o.epoch = claimed AND o.session = line FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'this connection does not belong to the owner' USING ERRCODE = 'DL001';
    END IF;
    IF current_setting('drawloom.turn') <> turn::text THEN
        RAISE EXCEPTION 'a commit before this one failed' USING ERRCODE = 'DL002';
    END IF;
    PERFORM set_config('drawloom.turn', (turn + 1)::text, false);
    IF cardinality(new_id) > 0 THEN
        INSERT INTO runs (id, flow, version, number, labels, started_at, parent, concurrency_key, idempotency_key,
                          status, busy, in_flight, ended_at, next_due, error, last_seq, fact_bytes)
        SELECT n.id, n.flow, n.version, n.number, n.labels, n.started, n.parent, n.concurrency, n.key,
               n.status, n.flight > 0, n.flight, n.ended, n.due, n.error, n.last, n.bytes
        FROM unnest(new_id, new_flow, new_version, new_number, new_labels, new_started, new_parent, new_concurrency,
                    new_key, new_status, new_flight, new_ended, new_due, new_error, new_last, new_bytes)
            AS n (id, flow, version, number, labels, started, parent, concurrency, key, status, flight, ended, due,
                  error, last, bytes);
    END IF;
    IF cardinality(old_id) > 0 THEN
        UPDATE runs r
        SET status = o.status, busy = o.flight > 0, in_flight = o.flight, ended_at = o.ended, next_due = o.due,
            error = o.error, last_seq = o.last, fact_bytes = r.fact_bytes + o.bytes + CASE
                WHEN o.follows IS NULL THEN 0
                ELSE (SELECT coalesce(sum(f.bytes), 0) FROM facts f WHERE f.run = r.id AND f.seq > r.last_seq)
            END
        FROM unnest(old_id, old_follows, old_status, old_flight, old_ended, old_due, old_error, old_last, old_bytes)
            AS o (id, follows, status, flight, ended, due, error, last, bytes)
        WHERE r.id = o.id AND (o.follows IS NULL OR o.follows = last_seq_of(r.id, r.last_seq));
        GET DIAGNOSTICS changed = ROW_COUNT;
        IF changed <> cardinality(old_id) THEN
            RAISE EXCEPTION 'facts do not follow the last one of their run' USING ERRCODE = 'DL003';
        END IF;
    END IF;
    IF cardinality(fact_run) > 0 THEN
        INSERT INTO facts (run, seq, count, bytes, body)
        SELECT * FROM unnest(fact_run, fact_seq, fact_count, fact_bytes, fact_body);
    END IF;
    IF cardinality(label_run) > 0 THEN
        INSERT INTO run_labels (label, run) SELECT * FROM unnest(label_label, label_run);
    END IF;
    IF cardinality(blob_run) > 0 THEN
        INSERT INTO run_blobs (run, blob) SELECT * FROM unnest(blob_run, blob_blob) ON CONFLICT DO NOTHING;
    END IF;
END;
$$;

-- The transparency log over the facts: leaves, the tiles of their tree, signed checkpoints, and the case map.
-- One writer, the sealer. After a loss a new log is opened, which begins anew and declares it (docs/adr/0022).

CREATE SCHEMA transparency;

CREATE TABLE transparency.logs (
    log smallint NOT NULL,
    origin text NOT NULL UNIQUE,
    vkey text NOT NULL,
    opened_at timestamptz NOT NULL,
    CONSTRAINT logs_pkey PRIMARY KEY (log)
);

-- stream_id, version, position and salt are null for entries of the log itself.
CREATE TABLE transparency.leaves (
    log smallint NOT NULL,
    index bigint NOT NULL,
    stream_id uuid,
    version integer,
    position bigint,
    salt bytea CHECK (length(salt) = 32),
    entry bytea NOT NULL CHECK (length(entry) < 65536),
    hash bytea NOT NULL CHECK (length(hash) = 32),
    CONSTRAINT leaves_pkey PRIMARY KEY (log, index),
    CONSTRAINT leaves_once UNIQUE (log, stream_id, version),
    CONSTRAINT leaves_of_facts CHECK (num_nulls(stream_id, version, position, salt) IN (0, 4))
);

-- Full tiles of 256 hashes alone; what is not full yet is made of leaves and of the roots of the level below.
CREATE TABLE transparency.tiles (
    log smallint NOT NULL,
    level smallint NOT NULL,
    index bigint NOT NULL,
    hashes bytea NOT NULL CHECK (length(hashes) = 8192),
    root bytea NOT NULL CHECK (length(root) = 32),
    CONSTRAINT tiles_pkey PRIMARY KEY (log, level, index)
);

ALTER TABLE transparency.tiles ALTER COLUMN hashes SET STORAGE EXTERNAL; -- hashes do not compress

CREATE TABLE transparency.checkpoints (
    log smallint NOT NULL,
    size bigint NOT NULL,
    note text NOT NULL,
    signed_at timestamptz NOT NULL,
    CONSTRAINT checkpoints_pkey PRIMARY KEY (log, size)
);

CREATE TABLE transparency.cosignatures (
    log smallint NOT NULL,
    size bigint NOT NULL,
    witness text NOT NULL,
    line text NOT NULL,
    CONSTRAINT cosignatures_pkey PRIMARY KEY (log, size, witness),
    CONSTRAINT cosignatures_checkpoint FOREIGN KEY (log, size) REFERENCES transparency.checkpoints
);

CREATE FUNCTION transparency.bucket_of(stream_id uuid) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (get_byte(uuid_send(stream_id), 0) << 8) | get_byte(uuid_send(stream_id), 1);

-- The case map as of the newest checkpoint: every stream's newest entry, in 65,536 buckets by the stream's id.
-- Derived from the leaves, and changed with them.
CREATE TABLE transparency.heads (
    log smallint NOT NULL,
    bucket integer NOT NULL,
    stream_id uuid NOT NULL,
    version integer NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT heads_pkey PRIMARY KEY (log, bucket, stream_id)
);

CREATE TABLE transparency.map_tiles (
    log smallint NOT NULL,
    index smallint NOT NULL,
    hashes bytea NOT NULL CHECK (length(hashes) = 8192),
    CONSTRAINT map_tiles_pkey PRIMARY KEY (log, index)
);

ALTER TABLE transparency.map_tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;

COMMENT ON TABLE transparency.map_tiles IS 'The roots of the buckets, 256 a row; those of the rows make the map.';

DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['logs', 'leaves', 'tiles', 'checkpoints', 'cosignatures'] LOOP
        EXECUTE format(
            'CREATE TRIGGER %I_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON transparency.%I
             FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting_history()', kept, kept);
    END LOOP;
END
$$;

-- The bytes of evidence, sealed before they come here and cut into chunks, so that no transaction is long.

-- kept: a fact tells of it. Bytes come before their fact, so what no fact came to tell of is swept away.
CREATE TABLE blobs (
    case_id uuid NOT NULL,
    blob_id uuid NOT NULL,
    person text NOT NULL,
    key_id uuid NOT NULL,
    chunks smallint NOT NULL,
    kept boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT blobs_pkey PRIMARY KEY (case_id, blob_id)
);

CREATE INDEX blobs_unkept ON blobs (created_at) WHERE NOT kept;

CREATE TABLE blob_chunks (
    case_id uuid NOT NULL,
    blob_id uuid NOT NULL,
    number smallint NOT NULL,
    box bytea NOT NULL,
    CONSTRAINT blob_chunks_pkey PRIMARY KEY (case_id, blob_id, number),
    CONSTRAINT blob_chunks_blob FOREIGN KEY (case_id, blob_id) REFERENCES blobs ON DELETE CASCADE
);

-- What is sealed does not compress.
ALTER TABLE blob_chunks ALTER COLUMN box SET STORAGE EXTERNAL;

-- Part of record_effects: no fact tells of bytes that are not there, and discarded ones go with their fact.
CREATE FUNCTION settle_blobs(effects jsonb, case_id_ uuid) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    known integer;
BEGIN
    UPDATE blobs SET kept = true
    WHERE case_id = case_id_
      AND blob_id IN (SELECT kept_id::uuid FROM jsonb_array_elements_text(effects->'blobs_kept') AS kept_id);
    GET DIAGNOSTICS known = ROW_COUNT;
    IF known < coalesce(jsonb_array_length(effects->'blobs_kept'), 0) THEN
        RAISE EXCEPTION 'the bytes are not there'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'blob_present';
    END IF;
    DELETE FROM blobs
    WHERE case_id = case_id_
      AND blob_id IN (SELECT gone::uuid FROM jsonb_array_elements_text(effects->'blobs_dropped') AS gone);
END
$$;

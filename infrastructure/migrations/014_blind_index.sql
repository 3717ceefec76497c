-- What cases are found by that stands sealed in them: a truncated digest under a key of the key file. Several values
-- have the same one, so that it proves nothing; whoever finds by it opens what is sealed, and compares.

-- It goes with the data key, whatever deletes that.
CREATE TABLE vault.blind_index (
    case_id uuid NOT NULL,
    person text NOT NULL,
    kind text NOT NULL,
    digest bytea NOT NULL CHECK (octet_length(digest) = 8),
    CONSTRAINT blind_index_pkey PRIMARY KEY (case_id, person, kind),
    CONSTRAINT blind_index_data_key FOREIGN KEY (case_id, person)
        REFERENCES vault.data_keys (case_id, person) ON DELETE CASCADE
);

CREATE INDEX blind_index_digest ON vault.blind_index (kind, digest, case_id);

-- Part of record_effects: a key that a text needs comes with its fact, and one that was forgotten goes with its own.
CREATE FUNCTION vault.settle_keys(effects jsonb, case_id_ uuid) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    IF effects ? 'keys_destroyed' THEN
        PERFORM vault.destroy_keys(case_id_, ARRAY(
            SELECT gone::uuid FROM jsonb_array_elements_text(effects->'keys_destroyed') AS gone));
    END IF;
    IF effects ? 'data_keys' THEN
        PERFORM vault.keep_keys(effects->'data_keys', case_id_);
    END IF;
    IF effects ? 'blind_index' THEN
        INSERT INTO vault.blind_index (case_id, person, kind, digest)
        SELECT case_id_, item->>'person', item->>'kind', decode(item->>'digest', 'base64')
        FROM jsonb_array_elements(effects->'blind_index') AS item;
    END IF;
END
$$;

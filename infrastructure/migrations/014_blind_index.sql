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

CREATE OR REPLACE FUNCTION record_effects(effects jsonb, case_id_ uuid, cause uuid) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    IF effects ? 'fired' THEN
        UPDATE deadlines SET state = 'done'
        WHERE case_id = case_id_ AND clock_id = (effects->>'fired')::uuid AND state = 'pending';
        IF NOT FOUND THEN
            RAISE EXCEPTION 'deadline is not pending'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'deadline_pending';
        END IF;
    END IF;
    IF effects ? 'released' THEN
        DELETE FROM claims
        WHERE claim IN (SELECT jsonb_array_elements_text(effects->'released')) AND case_id = case_id_;
    END IF;
    IF effects ? 'claims' THEN
        PERFORM take_claims(effects->'claims', case_id_);
    END IF;
    IF effects ? 'ended' THEN
        UPDATE deadlines SET state = 'cancelled'
        WHERE case_id = case_id_ AND state = 'pending'
          AND clock_id IN (SELECT ended::uuid FROM jsonb_array_elements_text(effects->'ended') AS ended);
    END IF;
    IF effects ? 'deadlines' THEN
        INSERT INTO deadlines AS known (case_id, clock_id, kind, due)
        SELECT case_id_, (item->>'clock_id')::uuid, item->>'kind', (item->>'due')::timestamptz
        FROM jsonb_array_elements(effects->'deadlines') AS item
        ON CONFLICT (case_id, clock_id) DO UPDATE
            SET kind = EXCLUDED.kind, due = EXCLUDED.due, state = 'pending';
    END IF;
    IF effects ? 'outbox' THEN
        INSERT INTO outbox (message_id, case_id, kind, payload, causation_id)
        SELECT (item->>'message_id')::uuid, case_id_, item->>'kind', item->'payload', cause
        FROM jsonb_array_elements(effects->'outbox') AS item;
    END IF;
    IF effects ?| ARRAY['blobs_kept', 'blobs_dropped'] THEN
        PERFORM settle_blobs(effects, case_id_);
    END IF;
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

-- Erasure: a side's data key in a case goes together with the fact that tells of it, and with the bytes under it.
-- Epochs: data keys are wrapped in one, and wrapped anew in the next, so that copies of the old ones open nothing.

ALTER TABLE vault.data_keys ADD COLUMN epoch integer NOT NULL DEFAULT 0;
ALTER TABLE vault.master_key ADD COLUMN epoch integer NOT NULL DEFAULT 0;

COMMENT ON COLUMN vault.master_key.epoch IS 'The epoch in which data keys are wrapped; those before are ending.';

CREATE FUNCTION vault.current_epoch() RETURNS integer
    LANGUAGE sql STABLE
    RETURN coalesce((SELECT epoch FROM vault.master_key), 0);

CREATE FUNCTION vault.keep_keys(keys jsonb, case_id_ uuid) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO vault.data_keys (case_id, person, key_id, wrapped, epoch)
    SELECT case_id_, item->>'person', (item->>'key_id')::uuid, decode(item->>'wrapped', 'base64'),
           (item->>'epoch')::integer
    FROM jsonb_array_elements(keys) AS item;
    IF EXISTS (SELECT FROM jsonb_array_elements(keys) AS item
               WHERE (item->>'epoch')::integer < vault.current_epoch()) THEN
        RAISE EXCEPTION 'the epoch of this key is over'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'data_key_epoch';
    END IF;
END
$$;

CREATE FUNCTION vault.destroy_keys(case_id_ uuid, key_ids uuid[]) RETURNS bigint
    LANGUAGE plpgsql AS $$
DECLARE
    destroyed bigint;
BEGIN
    DELETE FROM blobs WHERE case_id = case_id_ AND key_id = ANY (key_ids);
    DELETE FROM vault.data_keys WHERE case_id = case_id_ AND key_id = ANY (key_ids);
    GET DIAGNOSTICS destroyed = ROW_COUNT;
    RETURN destroyed;
END
$$;

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
END
$$;

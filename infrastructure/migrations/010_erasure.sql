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

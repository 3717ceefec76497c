-- The event store: facts in their commit-safe order, and the rows that are recorded with them.
--
-- A position is ((transaction id + epoch base) << 16) | ordinal within the transaction. No sequence and no
-- lock hands it out: a reader that stays below safe_position() can never be overtaken (docs/adr/0002).
-- Unique keys of events lie inside the case id, so that the table can be distributed by case unchanged.

CREATE FUNCTION epoch_base() RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN 0::bigint;

COMMENT ON FUNCTION epoch_base() IS
    'Added to transaction ids. Replaced by raise_epoch_base() after a restore into a younger cluster.';

CREATE FUNCTION safe_position() RETURNS bigint
    LANGUAGE sql VOLATILE PARALLEL SAFE
    RETURN (pg_snapshot_xmin(pg_current_snapshot())::text::bigint + epoch_base()) << 16;

COMMENT ON FUNCTION safe_position() IS
    'Exclusive upper bound below which every position is final. Compute it first, then pass it to the read as a value.';

CREATE TABLE events (
    originator_id uuid NOT NULL,
    originator_version integer NOT NULL,
    position bigint NOT NULL,
    topic text NOT NULL,
    state bytea NOT NULL,
    event_id uuid NOT NULL,
    recorded_at timestamptz NOT NULL,
    actor_id text NOT NULL,
    actor_role text NOT NULL,
    request_id text NOT NULL,
    causation_id uuid,
    schema_version smallint NOT NULL,
    CONSTRAINT events_pkey PRIMARY KEY (originator_id, originator_version)
);

CREATE INDEX events_position ON events (position);

CREATE FUNCTION refuse_rewriting_history() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'facts are never changed or removed: % on % refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER events_are_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting_history();

CREATE TABLE idempotency (
    scope text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    case_id uuid NOT NULL,
    version integer NOT NULL,
    position bigint NOT NULL,
    subject uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT idempotency_pkey PRIMARY KEY (scope, key)
);

CREATE INDEX idempotency_age ON idempotency USING brin (created_at);

CREATE TABLE claims (
    claim text NOT NULL,
    case_id uuid NOT NULL,
    CONSTRAINT claims_pkey PRIMARY KEY (claim)
);

CREATE TABLE deadlines (
    case_id uuid NOT NULL,
    clock_id uuid NOT NULL,
    kind text NOT NULL,
    due timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'cancelled')),
    CONSTRAINT deadlines_pkey PRIMARY KEY (case_id, clock_id)
);

CREATE INDEX deadlines_pending ON deadlines (due) WHERE state = 'pending';

CREATE TABLE outbox (
    message_id uuid NOT NULL,
    case_id uuid NOT NULL,
    kind text NOT NULL,
    payload jsonb NOT NULL,
    causation_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'parked')),
    last_error text,
    claimed_until timestamptz,
    CONSTRAINT outbox_pkey PRIMARY KEY (message_id)
);

CREATE INDEX outbox_pending ON outbox (next_attempt_at) WHERE state = 'pending';

CREATE SCHEMA vault;

CREATE TABLE vault.data_keys (
    case_id uuid NOT NULL,
    person text NOT NULL,
    key_id uuid NOT NULL,
    wrapped bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT data_keys_pkey PRIMARY KEY (case_id, person)
);

-- Comes before everything else of its transaction, so that a replayed request is told of its key and not of
-- whatever else it finds taken. A key older than 30 days may be used anew.
CREATE FUNCTION keep_idempotency_key(
    kept jsonb, case_id_ uuid, version_ integer, position_ bigint, subject_ uuid
) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO idempotency AS known (scope, key, fingerprint, case_id, version, position, subject)
    VALUES (kept->>'scope', kept->>'key', decode(kept->>'fingerprint', 'base64'),
            case_id_, version_, position_, subject_)
    ON CONFLICT (scope, key) DO UPDATE
        SET (fingerprint, case_id, version, position, subject, created_at)
            = (EXCLUDED.fingerprint, EXCLUDED.case_id, EXCLUDED.version, EXCLUDED.position, EXCLUDED.subject, now())
        WHERE known.created_at <= now() - interval '30 days';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'idempotency key already used'
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'idempotency_pkey';
    END IF;
END
$$;

CREATE FUNCTION take_claims(wanted jsonb, case_id_ uuid) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    taken integer;
    refused record;
BEGIN
    -- In one order for everybody, so that two cases taking several claims never deadlock.
    INSERT INTO claims AS held (claim, case_id)
    SELECT name, case_id_ FROM jsonb_array_elements_text(wanted) AS name ORDER BY name
    ON CONFLICT (claim) DO UPDATE SET case_id = held.case_id WHERE held.case_id = EXCLUDED.case_id;
    GET DIAGNOSTICS taken = ROW_COUNT;
    IF taken < jsonb_array_length(wanted) THEN
        SELECT claim, case_id INTO refused FROM claims
        WHERE claim IN (SELECT jsonb_array_elements_text(wanted)) AND case_id <> case_id_
        ORDER BY claim LIMIT 1;
        RAISE EXCEPTION 'claim held by another case'
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'claims_pkey',
                  -- The holder may have let go since; the claim was taken all the same when it was wanted.
                  DETAIL = jsonb_build_object(
                      'claim', coalesce(refused.claim, wanted->>0), 'held_by', refused.case_id)::text;
    END IF;
END
$$;

CREATE FUNCTION record_effects(effects jsonb, case_id_ uuid, cause uuid) RETURNS void
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
    IF effects ?| ARRAY['keys_destroyed', 'data_keys', 'blind_index'] THEN
        PERFORM vault.settle_keys(effects, case_id_);
    END IF;
END
$$;

-- One fact in one round trip. Called once per transaction, on an autocommit connection: a second call in
-- the same transaction would hand out the same positions. Returns the position.
CREATE FUNCTION append_fact(
    originator_id_ uuid, originator_version_ integer, topic_ text, state_ bytea, event_id_ uuid,
    schema_version_ smallint, actor_id_ text, actor_role_ text, request_id_ text, causation_id_ uuid,
    effects jsonb
) RETURNS bigint
    LANGUAGE plpgsql AS $$
DECLARE
    position_ bigint := (pg_current_xact_id()::text::bigint + epoch_base()) << 16;
BEGIN
    IF effects ? 'idempotency' THEN
        PERFORM keep_idempotency_key(
            effects->'idempotency', originator_id_, originator_version_, position_, (effects->>'subject')::uuid);
    END IF;
    INSERT INTO events VALUES (
        originator_id_, originator_version_, position_, topic_, state_, event_id_, now(),
        actor_id_, actor_role_, request_id_, causation_id_, schema_version_);
    IF effects IS NOT NULL THEN
        PERFORM record_effects(effects, originator_id_, event_id_);
    END IF;
    RETURN position_;
END
$$;

-- Several facts in one round trip, as a JSON array in their order:
-- {"id", "version", "topic", "state" (base64), "event", "schema"}. Effects belong to the last one.
-- Called once per transaction, as append_fact. Returns the position of the first; the others follow by one.
CREATE FUNCTION append_facts(
    facts jsonb, actor_id_ text, actor_role_ text, request_id_ text, causation_id_ uuid, effects jsonb
) RETURNS bigint
    LANGUAGE plpgsql AS $$
DECLARE
    first_position bigint := (pg_current_xact_id()::text::bigint + epoch_base()) << 16;
    amount integer := jsonb_array_length(facts);
    newest jsonb := facts->-1;
    case_id_ uuid := (newest->>'id')::uuid;
BEGIN
    IF amount > 65536 THEN
        RAISE EXCEPTION '% facts in one transaction, at most 65536', amount USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF effects ? 'idempotency' THEN
        PERFORM keep_idempotency_key(
            effects->'idempotency', case_id_, (newest->>'version')::integer,
            first_position + amount - 1, (effects->>'subject')::uuid);
    END IF;
    INSERT INTO events
    SELECT (fact->>'id')::uuid, (fact->>'version')::integer, first_position + ordinal - 1, fact->>'topic',
           decode(fact->>'state', 'base64'), (fact->>'event')::uuid, now(),
           actor_id_, actor_role_, request_id_, causation_id_, (fact->>'schema')::smallint
    FROM jsonb_array_elements(facts) WITH ORDINALITY AS listed (fact, ordinal);
    IF effects IS NOT NULL THEN
        PERFORM record_effects(effects, case_id_, (newest->>'event')::uuid);
    END IF;
    RETURN first_position;
END
$$;

-- Positions follow transaction ids, which start again in a new cluster: after a logical restore into a younger
-- one, new facts would sort below stored ones. This lifts new positions above all stored ones. Returns the base.
CREATE FUNCTION raise_epoch_base() RETURNS bigint
    LANGUAGE plpgsql AS $$
DECLARE
    needed bigint;
BEGIN
    LOCK TABLE events IN ACCESS EXCLUSIVE MODE;
    IF EXISTS (SELECT FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend') THEN
        RAISE EXCEPTION 'stop every other connection to this database first'
            USING ERRCODE = 'object_in_use';
    END IF;
    SELECT (max(position) >> 16) + 1 - pg_current_xact_id()::text::bigint INTO needed FROM events;
    IF needed > epoch_base() THEN
        EXECUTE format(
            'CREATE OR REPLACE FUNCTION epoch_base() RETURNS bigint
             LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN %s::bigint', needed);
        RETURN needed;
    END IF;
    RETURN epoch_base();
END
$$;

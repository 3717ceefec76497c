-- Streams that many add to at once and nobody reads first: who saw what. The database gives the version.

-- A fact at the end of its stream. `facts` are two, as those of append_facts: the first begins the stream where there
-- is none yet, and is left out where there is; their versions are not looked at. What is recorded already is not
-- recorded again, since a call whose answer was lost is repeated. Called once per transaction.
CREATE FUNCTION add_fact(
    facts jsonb, actor_id_ text, actor_role_ text, request_id_ text, causation_id_ uuid, effects jsonb
) RETURNS bigint
    LANGUAGE plpgsql AS $$
DECLARE
    stream uuid := (facts->0->>'id')::uuid;
    added uuid := (facts->1->>'event')::uuid;
    last integer;
    known bigint;
    first_position bigint;
BEGIN
    -- Before this transaction has its id, so that of two in turn the later one has the higher position too.
    PERFORM pg_advisory_xact_lock(hashtextextended(stream::text, 0));
    SELECT max(originator_version), max(position) FILTER (WHERE event_id = added) INTO last, known
    FROM events WHERE originator_id = stream;
    IF known IS NOT NULL THEN
        RETURN known;
    END IF;
    first_position := (pg_current_xact_id()::text::bigint + epoch_base()) << 16;
    INSERT INTO events
    SELECT stream, coalesce(last, 0) + ordinal, first_position + ordinal - 1, fact->>'topic',
           decode(fact->>'state', 'base64'), (fact->>'event')::uuid, now(),
           actor_id_, actor_role_, request_id_, causation_id_, (fact->>'schema')::smallint
    FROM jsonb_array_elements(CASE WHEN last IS NULL THEN facts ELSE facts - 0 END)
         WITH ORDINALITY AS listed (fact, ordinal);
    IF effects IS NOT NULL THEN
        PERFORM record_effects(effects, stream, added);
    END IF;
    RETURN first_position;
END
$$;

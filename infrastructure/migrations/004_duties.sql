-- What the duties need beside the facts: a lease on due rows, and alarms about the database's clock.

-- A ticker that has claimed a due row holds it until then; a killed one holds it no longer.
ALTER TABLE deadlines ADD COLUMN claimed_until timestamptz;

CREATE TABLE clock_alarms (
    alarm_id uuid NOT NULL,
    process text NOT NULL,
    jump_seconds double precision NOT NULL,
    raised_at timestamptz NOT NULL DEFAULT now(),
    settled_at timestamptz,
    settled_by text,
    CONSTRAINT clock_alarms_pkey PRIMARY KEY (alarm_id)
);

COMMENT ON TABLE clock_alarms IS
    'Jumps of the database clock. While one is not settled, no ticker acts upon a due time.';

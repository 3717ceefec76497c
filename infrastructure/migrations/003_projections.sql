-- What the projection supervisor keeps: how far each read model's table is, who leads it, which cases are parked.
-- The read models' own tables are versioned and made by the supervisor (infrastructure/projector.py).

CREATE FUNCTION rfc3339(moment timestamptz) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');

COMMENT ON FUNCTION rfc3339(timestamptz) IS 'A time as the API shows it: UTC, microseconds, Z.';

-- One row for each table of a read model: the live one, and those that a rebuild or a comparison fills.
-- position: the last one whose fact is in the table. epoch: raised whenever the right to write changes hands;
-- a writer states the epoch under which it read and is refused when another one is in force.
CREATE TABLE projections (
    table_name text NOT NULL,
    name text NOT NULL,
    version integer NOT NULL,
    position bigint NOT NULL DEFAULT 0,
    epoch bigint NOT NULL DEFAULT 0,
    holder text,
    lease_until timestamptz,
    moved_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT projections_pkey PRIMARY KEY (table_name)
) WITH (fillfactor = 50);

-- A case whose fact a read model could not take: that fact and all later ones of the case wait, all others flow.
CREATE TABLE parked_cases (
    table_name text NOT NULL,
    case_id uuid NOT NULL,
    version integer NOT NULL,
    position bigint NOT NULL,
    topic text NOT NULL,
    error text NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT parked_cases_pkey PRIMARY KEY (table_name, case_id),
    CONSTRAINT parked_cases_projection FOREIGN KEY (table_name) REFERENCES projections ON DELETE CASCADE
        ON UPDATE CASCADE
);

-- What is kept for the processes that follow the log of facts: how far each is, who carries it on, what is parked.

-- position: everything up to it was seen. epoch: raised whenever the right to write changes hands; a writer states
-- the epoch under which it read and is refused when another one is in force.
CREATE TABLE processes (
    name text NOT NULL,
    position bigint NOT NULL DEFAULT 0,
    epoch bigint NOT NULL DEFAULT 0,
    holder text,
    lease_until timestamptz,
    CONSTRAINT processes_pkey PRIMARY KEY (name)
) WITH (fillfactor = 50);

-- A stream whose fact a process could not react to: that fact and all later ones of the stream wait, all others flow.
CREATE TABLE parked_streams (
    process text NOT NULL,
    stream_id uuid NOT NULL,
    version integer NOT NULL,
    position bigint NOT NULL,
    topic text NOT NULL,
    error text NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT parked_streams_pkey PRIMARY KEY (process, stream_id),
    CONSTRAINT parked_streams_process FOREIGN KEY (process) REFERENCES processes
);

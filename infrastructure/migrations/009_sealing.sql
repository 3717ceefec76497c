-- What the sealer says of itself, for those who cannot ask it: one row, written when something changes.

CREATE TABLE transparency.sealer_state (
    single boolean NOT NULL DEFAULT true CHECK (single),
    reason text,
    detail text NOT NULL,
    since timestamptz NOT NULL,
    CONSTRAINT sealer_state_pkey PRIMARY KEY (single)
);

COMMENT ON COLUMN transparency.sealer_state.reason IS 'Why nothing is sealed, as a code; null while it is.';

-- A database that is being made of an archive: nothing serves on it before it is whole and proved.
CREATE TABLE restores (
    archive text NOT NULL,
    size bigint NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    CONSTRAINT restores_pkey PRIMARY KEY (archive, size)
);

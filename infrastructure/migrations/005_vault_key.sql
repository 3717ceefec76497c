-- Under which key file this database is: otherwise two servers with different ones could both start on an empty
-- database, and neither would find or open what the other one sealed.
CREATE TABLE vault.master_key (
    the_only boolean NOT NULL DEFAULT true CHECK (the_only),
    check_value bytea NOT NULL,
    CONSTRAINT master_key_pkey PRIMARY KEY (the_only)
);

COMMENT ON TABLE vault.master_key IS
    'A value derived from the key file by the first process that used it; it tells nothing about the key.';

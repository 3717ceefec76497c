-- API keys. The secret itself is never stored: only its SHA-256, which is enough for a random secret of 256 bits.

CREATE TABLE api_keys (
    key_id text NOT NULL,
    digest bytea NOT NULL CHECK (length(digest) = 32),
    role text NOT NULL,
    subject text NOT NULL,
    merchant_id text,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    CONSTRAINT api_keys_pkey PRIMARY KEY (key_id),
    CONSTRAINT merchants_name_their_merchant CHECK ((role = 'merchant') = (merchant_id IS NOT NULL))
);

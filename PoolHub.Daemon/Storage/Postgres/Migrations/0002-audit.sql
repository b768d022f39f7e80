CREATE TABLE poolhub.audit (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL,
  who text NOT NULL,
  address text NOT NULL,
  action text NOT NULL,
  miner_id text,
  detail text NOT NULL
);

ALTER TABLE poolhub.miners ADD COLUMN key_issued_at timestamptz, ADD COLUMN key_rotated_at timestamptz,
  ADD COLUMN key_revoked_at timestamptz;
ALTER TABLE poolhub.miner_status ADD COLUMN key_used_at timestamptz;

-- Until now who had no key had been revoked: nobody else was stored without one.
UPDATE poolhub.miners SET key_revoked_at = date_trunc('milliseconds', now()) WHERE api_key_hash IS NULL;

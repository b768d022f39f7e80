-- Of a miner that was issued a key and has not registered yet only the keys are known.
-- A goodbye raises epoch above registered_epoch until the miner registers again.
-- last_seen_at is the last registration; heartbeats are miner_status.updated_at.
CREATE TABLE poolhub.miners (
  miner_id text PRIMARY KEY,
  api_key_hash bytea,
  previous_key_hash bytea,
  previous_key_until timestamptz,
  created_at timestamptz NOT NULL,
  last_seen_at timestamptz,
  addr text,
  proto text,
  gpu_vram_gb double precision,
  gpu_name text,
  cpu_cores integer,
  ram_gb double precision,
  max_parallel integer,
  base_price numeric(20,8),
  tags jsonb,
  capabilities jsonb,
  accel jsonb,
  region text,
  owner text NOT NULL DEFAULT '',
  epoch bigint NOT NULL DEFAULT 0,
  registered_epoch bigint NOT NULL DEFAULT 0,
  trust_score double precision NOT NULL DEFAULT 0.5,
  trust_good double precision NOT NULL DEFAULT 0,
  trust_bad double precision NOT NULL DEFAULT 0,
  trust_at timestamptz NOT NULL DEFAULT 'epoch',
  failures_in_a_row integer NOT NULL DEFAULT 0,
  ejections integer NOT NULL DEFAULT 0,
  ejected_until timestamptz
) WITH (fillfactor = 80);

-- For people and reports: the hub itself matches in memory. Miners without a GPU have no place in it.
CREATE INDEX idx_miners_region_caps_gte_vram ON poolhub.miners USING gin (capabilities, tags) WHERE gpu_vram_gb > 0;
CREATE INDEX idx_miners_region_vram ON poolhub.miners (region, gpu_vram_gb);

CREATE TABLE poolhub.miner_status (
  miner_id text PRIMARY KEY REFERENCES poolhub.miners (miner_id) ON DELETE CASCADE,
  queue_len integer NOT NULL,
  busy boolean NOT NULL,
  avg_latency_ms integer,
  temp_c integer,
  mem_free_gb double precision,
  updated_at timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE INDEX idx_status_updated_at ON poolhub.miner_status (updated_at);

-- No foreign key: the hub asks for the miner itself, and a check for each row would lock the miner's row.
CREATE TABLE poolhub.feedback (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  job_id text NOT NULL,
  miner_id text NOT NULL,
  outcome text NOT NULL,
  latency_ms integer,
  fail_code text,
  tokens_spent numeric(20,8),
  created_at timestamptz NOT NULL,
  UNIQUE (job_id, miner_id, outcome)
);

CREATE INDEX idx_feedback_miner_time ON poolhub.feedback (miner_id, created_at);

CREATE TABLE poolhub.price_overrides (
  miner_id text PRIMARY KEY REFERENCES poolhub.miners (miner_id) ON DELETE CASCADE,
  price numeric(20,8) NOT NULL,
  ends_at timestamptz,
  created_at timestamptz NOT NULL
);

-- Until now nobody told coordinators apart, nor what a match had given from what none had.
ALTER TABLE poolhub.feedback ADD COLUMN coordinator text NOT NULL DEFAULT 'default', ADD COLUMN matched boolean NOT NULL DEFAULT true;
ALTER TABLE poolhub.feedback ALTER COLUMN coordinator DROP DEFAULT, ALTER COLUMN matched DROP DEFAULT,
  DROP CONSTRAINT feedback_job_id_miner_id_outcome_key, ADD UNIQUE (coordinator, job_id, miner_id, outcome);

-- A miner's reports come page by page.
DROP INDEX poolhub.idx_feedback_miner_time;
CREATE INDEX idx_feedback_miner ON poolhub.feedback (miner_id, id);

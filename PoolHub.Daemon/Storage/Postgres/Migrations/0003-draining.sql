ALTER TABLE poolhub.miners ADD COLUMN draining boolean NOT NULL DEFAULT false;

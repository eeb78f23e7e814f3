-- Up Migration
-- A key is published first and signs later, so that whoever verifies has it by then. `retired_at` of the one before is that
-- same moment, and may lie ahead.
alter table signing_keys add column signs_from timestamptz not null default now();
update signing_keys set signs_from = created_at;

-- Down Migration
alter table signing_keys drop column signs_from;

-- Up Migration
-- What was answered to a request that has no id of its own, so that sending it again has no second effect
-- (packages/idempotency/idempotently.ts). A row is written in the transaction of what it answers.
create table idempotency_keys (
  caller text not null,
  route text not null,
  key text not null,
  -- SHA-256 of what was asked for, to tell a repetition from another request under the same key.
  asked bytea not null,
  status integer not null,
  -- As it was sent, byte by byte.
  body text not null,
  view_token text,
  answered_at timestamptz not null default now(),
  primary key (caller, route, key)
);

-- For those whose time is over.
create index idempotency_keys_answered_at on idempotency_keys (answered_at);

-- Down Migration
drop table idempotency_keys;

-- Up Migration
-- What every service needs to hear and to be heard exactly once in effect.

-- Events and dead letters that are committed and not yet acknowledged by the brokers. Rows are deleted after the ack.
create table outbox (
  id bigint generated always as identity primary key,
  topic text not null,
  key text,
  -- JSON array of [name, value] or [name, value, "base64"].
  headers text not null,
  -- The record's value: text for events, raw for dead letters whose bytes may be anything.
  value text,
  raw bytea,
  created_at timestamptz not null default now()
);
-- The table is emptied all the time: vacuum by dead rows, not by a share of a size that is near zero.
alter table outbox set (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
  autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000
);

-- The last version of each aggregate that a consumer has applied. Never expires, so no old copy is applied twice.
create table inbox (
  consumer text not null,
  source text not null,
  aggregate_id text not null,
  version integer not null check (version > 0),
  hash text not null,
  primary key (consumer, source, aggregate_id)
) with (fillfactor = 80);

-- Events that wait: behind a gap until it is filled, or because their handler failed, until somebody redrives them.
create table parked_events (
  consumer text not null,
  source text not null,
  aggregate_id text not null,
  version integer not null,
  reason text not null check (reason in ('gap', 'handler')),
  error text,
  attempts integer not null default 0,
  topic text not null,
  partition integer not null,
  "offset" bigint not null,
  key text,
  headers text not null,
  value bytea,
  hash text not null,
  parked_at timestamptz not null default now(),
  primary key (consumer, source, aggregate_id, version)
);

-- Which records went to a dead-letter topic, so that a redelivery does not send them there again.
create table dead_letters (
  consumer text not null,
  topic text not null,
  partition integer not null,
  "offset" bigint not null,
  reason text not null,
  at timestamptz not null default now(),
  primary key (consumer, topic, partition, "offset")
);

-- One id for all databases of a shop, given by the provisioning step. Keys in Redis carry it, so that a shop that was
-- wiped never meets its past.
create table installation (
  only_row boolean primary key default true check (only_row),
  id uuid not null
);

-- Down Migration
drop table outbox, inbox, parked_events, dead_letters, installation;

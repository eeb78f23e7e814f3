-- Up Migration
-- Many events to a row of the outbox, a line each (packages/kafka/outbox-lines.ts). What waits in the old form is taken
-- over, so that nothing is lost on an update.
alter table outbox rename to outbox_before;

create table outbox (
  id bigint generated always as identity primary key,
  -- How many records the lines hold, and how many bytes they will be on the wire, about.
  events integer not null check (events > 0),
  bytes integer not null check (bytes > 0),
  lines text not null,
  created_at timestamptz not null default now()
)
-- A row of events fills a page; it stays in it, and whole, instead of being compressed and cut into pieces elsewhere.
with (toast_tuple_target = 8160);
alter table outbox alter column lines set storage external;
-- The table is emptied all the time: vacuum by dead rows, not by a share of a size that is near zero.
alter table outbox set (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
  autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000
);

insert into outbox (events, bytes, lines, created_at)
select 1, octet_length(line) + 400, line, created_at
from (
  select id, created_at, '!' || json_build_object(
    'topic', topic, 'key', key, 'headers', headers::json,
    'value', coalesce(value, translate(encode(raw, 'base64'), E'\n', '')),
    'encoding', case when raw is null then 'utf8' else 'base64' end)::text || E'\n' as line
  from outbox_before) as waiting
order by id;
drop table outbox_before;

-- Guards a write that goes out together with its COMMIT: an error is what makes that a rollback.
create function all_moved(moved bigint, expected bigint) returns void language plpgsql as $$
begin
  if moved <> expected then
    raise exception 'an aggregate was moved on by another process' using errcode = 'TS001';
  end if;
end $$;

-- Found by its aggregate first: while a table is new the planner knows nothing of it, and read all rows of the consumer
-- for each aggregate that it looked for.
alter table inbox drop constraint inbox_pkey, add primary key (aggregate_id, source, consumer);

-- An aggregate is moved on soon after it was begun: with room in its page the index need not be told.
alter table inbox set (fillfactor = 60);

-- Down Migration
alter table inbox set (fillfactor = 80);
alter table inbox drop constraint inbox_pkey, add primary key (consumer, source, aggregate_id);
drop function all_moved(bigint, bigint);
-- Only while nothing waits: the old form cannot say what the new one holds.
drop table outbox;
create table outbox (
  id bigint generated always as identity primary key,
  topic text not null,
  key text,
  headers text not null,
  value text,
  raw bytea,
  created_at timestamptz not null default now()
);

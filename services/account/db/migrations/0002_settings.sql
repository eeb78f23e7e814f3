-- Up Migration
-- One row: what an operator sets while the shop runs. Version 0 is what it begins with, and is told to nobody.
create table settings (
  settings_id text primary key check (settings_id = 'shop'),
  version integer not null check (version >= 0),
  orders_open boolean not null,
  limits jsonb not null,
  outbox_cap_events integer,
  changed_by text,
  changed_at timestamptz not null default now()
);
insert into settings (settings_id, version, orders_open, limits) values ('shop', 0, true, '{}');

-- Down Migration
drop table settings;

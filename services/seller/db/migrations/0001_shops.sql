-- Up Migration
create table shops (
  shop_id text primary key,
  created_at timestamptz not null default now()
);

-- Down Migration
drop table shops;

-- Up Migration
create table accounts (
  account_id text primary key,
  email text not null unique,
  created_at timestamptz not null default now()
);

-- Down Migration
drop table accounts;

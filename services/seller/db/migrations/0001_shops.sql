-- Up Migration
-- Who sells, and who may act for a shop.
create table shops (
  shop_id text primary key,
  name text not null,
  version integer not null check (version > 0),
  created_at timestamptz not null default now(),
  changed_at timestamptz not null default now()
);

create table shop_members (
  shop_id text not null references shops,
  account_id text not null,
  role text not null check (role in ('owner', 'member')),
  primary key (shop_id, account_id)
);
create index shop_members_account_id on shop_members (account_id, shop_id);

-- Down Migration
drop table shop_members, shops;

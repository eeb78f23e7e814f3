-- Up Migration
-- Sums over confirmed orders. They are added to, so each event must come through exactly once: the inbox sees to that.
create table sales_by_minute (
  minute timestamptz not null,
  currency text not null,
  orders bigint not null,
  units bigint not null,
  revenue_minor numeric not null,
  primary key (minute, currency)
);

create table sales_by_product (
  product_id text not null,
  currency text not null,
  orders bigint not null,
  units bigint not null,
  revenue_minor numeric not null,
  primary key (product_id, currency)
);

-- How many events of each type there were, a minute: how busy the shop is, and what becomes of its orders.
create table events_by_minute (
  minute timestamptz not null,
  type text not null,
  events bigint not null,
  primary key (minute, type)
);

-- Down Migration
drop table sales_by_minute, sales_by_product, events_by_minute;

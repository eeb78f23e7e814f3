-- Up Migration
-- The time sale of a product, if it has one: while it does, the product can be ordered inside its window alone, at its price.
alter table product_copies
  add column sale_id text,
  add column sale_price_minor bigint,
  add column sale_units integer,
  -- No limit where it is null.
  add column sale_limit_per_buyer integer,
  add column sale_starts_at timestamptz,
  add column sale_ends_at timestamptz,
  add constraint sale_is_whole check (
    num_nulls(sale_id, sale_price_minor, sale_units, sale_starts_at, sale_ends_at) in (0, 5)
    and (sale_id is not null or sale_limit_per_buyer is null));

-- The sale it was placed in.
alter table orders add column sale_id text;

-- What a buyer called the request of an order (Idempotency-Key). Without a foreign key, as the history.
create table order_keys (
  buyer_id text not null,
  key text not null,
  order_id text not null,
  primary key (buyer_id, key)
);

-- Why an order was rejected.
alter table order_history add column reason text;

-- Down Migration
alter table order_history drop column reason;
drop table order_keys;
alter table orders drop column sale_id;
alter table product_copies
  drop constraint sale_is_whole,
  drop column sale_id,
  drop column sale_price_minor,
  drop column sale_units,
  drop column sale_limit_per_buyer,
  drop column sale_starts_at,
  drop column sale_ends_at;

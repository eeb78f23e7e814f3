-- Up Migration
-- Whose a product is, and who may change it, as told on seller-topic. A product of no shop belongs to the operators.
alter table products add column shop_id text;
create index products_shop_id on products (shop_id, product_id) where shop_id is not null;

create table shop_members (
  shop_id text not null,
  account_id text not null,
  primary key (shop_id, account_id)
);
create index shop_members_account_id on shop_members (account_id);

-- The time sale of a product: all of it or none.
alter table products
  add column sale_id text,
  add column sale_price_minor bigint check (sale_price_minor >= 0),
  add column sale_units integer check (sale_units > 0),
  add column sale_starts_at timestamptz,
  add column sale_ends_at timestamptz check (sale_ends_at > sale_starts_at),
  add column sale_limit_per_buyer integer check (sale_limit_per_buyer > 0),
  add constraint sale_is_whole check (
    num_nulls(sale_id, sale_price_minor, sale_units, sale_starts_at, sale_ends_at) in (0, 5)
    and (sale_id is not null or sale_limit_per_buyer is null));

-- An id of a sale stays with its product for good, so that whoever counts by it counts one thing.
create table sale_ids (
  sale_id text primary key,
  product_id text not null references products
);

-- Down Migration
drop table sale_ids, shop_members;
alter table products drop constraint sale_is_whole, drop column sale_id, drop column sale_price_minor,
  drop column sale_units, drop column sale_starts_at, drop column sale_ends_at, drop column sale_limit_per_buyer,
  drop column shop_id;

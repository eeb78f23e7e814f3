-- Up Migration
-- The catalogue: what is sold, at what price, and how many units were ever put on sale. What is left is stock's to know.
create table products (
  product_id text primary key,
  name_ko text not null,
  name_en text not null,
  price_minor bigint not null check (price_minor >= 0),
  currency text not null,
  units_on_sale integer not null check (units_on_sale >= 0),
  version integer not null check (version > 0),
  created_at timestamptz not null default now(),
  changed_at timestamptz not null default now()
);

-- Down Migration
drop table products;

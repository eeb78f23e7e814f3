-- Up Migration
-- What there is of each product, who holds it, and every movement. Conservation is a CHECK and stays one in production.
create table stock_levels (
  product_id text primary key,
  initial integer not null check (initial >= 0),
  available integer not null check (available >= 0),
  reserved integer not null check (reserved >= 0),
  sold integer not null check (sold >= 0),
  -- Rises with every change of the row.
  version bigint not null check (version > 0),
  -- Counts the facts told of the product.
  announced integer not null check (announced >= 0),
  constraint conservation check (available + reserved + sold = initial)
);

create table reservations (
  order_id text primary key,
  product_id text not null,
  quantity integer not null check (quantity > 0),
  state text not null check (state in ('HELD', 'COMMITTED', 'RELEASED', 'REFUSED', 'TOMBSTONE')),
  -- Counts the facts told of the reservation.
  version integer not null check (version >= 0)
);

-- Every movement of units. At most one for each fact of a reservation, so none can be made twice, and COMMIT and
-- RELEASE of one order exclude each other.
create table stock_ledger (
  id bigint generated always as identity primary key,
  product_id text not null,
  -- Null for RESTOCK.
  order_id text,
  version integer not null,
  kind text not null check (kind in ('RESTOCK', 'RESERVE', 'COMMIT', 'RELEASE')),
  quantity integer not null check (quantity > 0),
  at timestamptz not null default now()
);
create unique index stock_ledger_once_an_order on stock_ledger (order_id, version) where order_id is not null;
create unique index stock_ledger_once_a_restock on stock_ledger (product_id, version) where order_id is null;

-- Down Migration
drop table stock_ledger, reservations, stock_levels;

-- Up Migration
-- Orders, what happened to them, and our own copy of what a product costs: accepting an order asks nobody else.
create table orders (
  order_id text primary key,
  buyer_id text not null,
  product_id text not null,
  quantity integer not null check (quantity > 0),
  unit_price_minor bigint not null check (unit_price_minor >= 0),
  currency text not null,
  status text not null check (status in ('PLACED', 'CONFIRMED', 'REJECTED', 'CANCELLED')),
  -- Counts the facts told of the order; the newest row of order_history has the same.
  version integer not null check (version > 0),
  -- Of what the buyer sent, to tell a repeated request from another order under the same id.
  body_hash text not null,
  placed_at timestamptz not null
);
create index orders_newest_first on orders (placed_at desc, order_id desc);

create table order_history (
  order_id text not null references orders,
  version integer not null,
  status text not null,
  at timestamptz not null,
  -- The request or the event that led to it.
  cause text not null,
  primary key (order_id, version)
);

-- A product can be ordered once its price was heard from product and stock has announced it.
create table product_copies (
  product_id text primary key,
  unit_price_minor bigint,
  currency text,
  stocked boolean not null default false
);

-- Down Migration
drop table order_history, orders, product_copies;

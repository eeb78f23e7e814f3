-- Up Migration
-- Of which time sale an order is, and whose: units of it that are given back are given back to that sale.
alter table reservations
  add column sale_id text,
  add column buyer_id text,
  add constraint sale_with_buyer check ((sale_id is null) = (buyer_id is null));

-- What is taken of each time sale: a row for each buyer, and one with no buyer ('') for all of them together. Written
-- under the lock of the product's row, which serialises all of its orders.
create table sale_takings (
  product_id text not null,
  sale_id text not null,
  buyer_id text not null,
  units integer not null check (units >= 0),
  -- The most that an order was ever told may be taken; null where one was told of no limit.
  most integer,
  primary key (product_id, sale_id, buyer_id),
  constraint within_limit check (units <= most)
) with (fillfactor = 70);

-- Down Migration
drop table sale_takings;
alter table reservations drop column sale_id, drop column buyer_id;

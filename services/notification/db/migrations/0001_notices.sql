-- Up Migration
-- What buyers were told: one notice an outcome, never two.
create table notices (
  order_id text not null,
  kind text not null check (kind in ('CONFIRMED', 'REJECTED', 'CANCELLED')),
  buyer_id text not null,
  at timestamptz not null,
  primary key (order_id, kind)
);

-- Down Migration
drop table notices;

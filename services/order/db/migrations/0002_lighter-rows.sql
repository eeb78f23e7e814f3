-- Up Migration
-- An order is updated once, soon after it was inserted: with room in its page the indices need not be told.
alter table orders set (fillfactor = 70);
-- Both rows are written by one statement of the same code; a check of each cost as much as the row.
alter table order_history drop constraint order_history_order_id_fkey;

-- It said what three other columns say.
alter table orders drop column body_hash;

-- Down Migration
alter table orders add column body_hash text not null default '';
alter table order_history add constraint order_history_order_id_fkey foreign key (order_id) references orders;
alter table orders reset (fillfactor);

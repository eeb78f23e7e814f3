-- Up Migration
-- A reservation is updated once, soon after it was inserted, and a hot product's row all the time: with room in their
-- pages the indices need not be told.
alter table reservations set (fillfactor = 70);
alter table stock_levels set (fillfactor = 50);
-- Nobody looks a movement up by its number.
alter table stock_ledger drop constraint stock_ledger_pkey;

-- Down Migration
alter table stock_ledger add primary key (id);
alter table stock_levels reset (fillfactor);
alter table reservations reset (fillfactor);

-- Up Migration
-- An operator took the role of a seller away, so that it does not come back by the account's own wish.
alter table accounts add column seller_was_taken boolean not null default false;

-- Down Migration
alter table accounts drop column seller_was_taken;

import { setTimeout as sleep } from 'node:timers/promises'
import { fact } from '@timesale/contracts/event'
import { StockReserved } from '@timesale/contracts/stock-events'
import { recordOf } from '@timesale/testkit/records'
import { Client } from 'pg'
import { orderId, orderIdPrefix, productId } from '../generator/order-request.ts'

// What a stock service does that decides each order by itself, as fast as that goes: one statement an order, prepared, in a
// transaction of its own, on 32 connections. It writes down what ours does. Its tables are its own and plain, so that a
// change of ours does not change what ours is held against.

const CONNECTIONS = 32
const WARM_UP_MS = 1_000
const SAMPLE_MS = 3_000

const TABLES = `
  drop schema if exists guarded cascade;
  create schema guarded;
  set search_path to guarded;
  create table stock_levels (
    product_id text primary key, initial integer not null, available integer not null check (available >= 0),
    reserved integer not null, sold integer not null, version bigint not null,
    check (available + reserved + sold = initial));
  create table reservations (
    order_id text primary key, product_id text not null, quantity integer not null, state text not null,
    version integer not null);
  create table stock_ledger (
    id bigint generated always as identity primary key, product_id text not null, order_id text, version integer not null,
    kind text not null, quantity integer not null, at timestamptz not null default now());
  create unique index on stock_ledger (order_id, version);
  create table inbox (
    consumer text, source text, aggregate_id text, version integer not null, hash text not null,
    primary key (consumer, source, aggregate_id));
  create table outbox (
    id bigint generated always as identity primary key, topic text not null, key text, headers text not null, value text,
    created_at timestamptz not null default now())`

const DECIDE = `
  with fresh as (
    insert into inbox (consumer, source, aggregate_id, version, hash)
    values ('stock', '/order/orders', $1, 1, $4)
    on conflict do nothing
    returning 1),
  taken as (
    update stock_levels
    set available = available - $3, reserved = reserved + $3, version = version + 1
    where product_id = $2 and available >= $3 and exists (select 1 from fresh)
    returning 1),
  held as (
    insert into reservations (order_id, product_id, quantity, state, version)
    select $1, $2, $3, 'HELD', 1 from taken),
  moved as (
    insert into stock_ledger (product_id, order_id, version, kind, quantity)
    select $2, $1, 1, 'RESERVE', $3 from taken)
  insert into outbox (topic, key, headers, value)
  select 'stock-topic', $1, $5, $6 from taken`

const connectionString = process.argv[2] ?? ''
const clients = Array.from(
  { length: CONNECTIONS },
  () => new Client({ connectionString, options: '-c search_path=guarded -c plan_cache_mode=force_generic_plan' }),
)
const [first] = clients
if (first === undefined) throw new Error('No connection')
const product = productId(0)
const prefix = orderIdPrefix()
let asked = 0
let done = 0
const over = new AbortController()

await Promise.all(clients.map((client) => client.connect()))
await first.query(TABLES)
await first.query('insert into stock_levels values ($1, 10000000, 10000000, 0, 0, 1)', [product])
const lanes = clients.map(decideOrders)
await sleep(WARM_UP_MS)
const before = { done, at: performance.now() }
await sleep(SAMPLE_MS)
const after = { done, at: performance.now() }
over.abort()
await Promise.all(lanes)
const { rows } = await first.query<Record<string, number>>(`
  select (select count(*)::int from inbox) as "rows in inbox",
    (select count(*)::int from reservations) as "reservations",
    (select count(*)::int from stock_ledger) as "rows in stock_ledger",
    (select count(*)::int from outbox) as "rows in outbox",
    (select sum(reserved)::int from stock_levels) as "units reserved"`)
await first.query('drop schema guarded cascade')
await Promise.all(clients.map((client) => client.end()))
const perSecond = ((after.done - before.done) * 1000) / (after.at - before.at)
process.send?.({ perSecond, done, counted: rows[0] }, undefined, undefined, () => process.exit(0))

async function decideOrders(client: Client): Promise<void> {
  while (!over.signal.aborted) {
    const id = orderId(prefix, asked)
    asked += 1
    const data = { orderId: id, productId: product, quantity: 1 }
    const { headers, value } = recordOf(fact(StockReserved, { aggregateId: id, version: 1, data }))
    const values = [id, product, 1, id.slice(0, 22), JSON.stringify(Object.entries(headers ?? {})), value]
    await client.query({ name: 'decide', text: DECIDE, values })
    done += 1
  }
}

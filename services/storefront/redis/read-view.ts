import { Refusal } from '@timesale/contracts/refusals'
import {
  redisScript,
  RedisStoreUnavailable,
  type RedisReply,
  type RedisScript,
  type RedisStore,
} from '@timesale/redis/redis-store'
import type { StoredProduct } from '../product-page.ts'
import { KEYS_IN_LUA, VIEW_FORM } from './view-keys.ts'

/** Something of the generation that is served, and the time of the newest event in it; '' before the first. */
export interface Seen<Content> {
  readonly asOf: string
  readonly content: Content
}

export interface StoredOrder {
  readonly orderId: string
  readonly productId: string
  readonly quantity: number
  readonly unitPriceMinor: number
  readonly currency: string
  readonly status: string
  readonly placedAt: Date
  readonly changedAt: Date
}

export interface ProductList {
  readonly products: readonly StoredProduct[]
  /** Where the next page begins; undefined on the last. */
  readonly next: string | undefined
}

/** How far the view has got with one aggregate, and how far it is behind. */
export interface Progress {
  readonly version: number
  /** Whose order it is; '' for anything else. */
  readonly buyerId: string
  /** Records that were there when the topics were last looked at and are not in the view. */
  readonly lag: number
  /** When the view was last known to show all there was, before that when it was begun; in milliseconds since the epoch. */
  readonly levelAt: number
}

/** In the order of `productIds`; undefined for those that there are not. */
export async function readProducts(
  store: RedisStore,
  productIds: readonly string[],
): Promise<Seen<(StoredProduct | undefined)[]>> {
  const { asOf, content } = await read(store, READ_PRODUCTS, productIds)
  return { asOf, content: (content as (string | null)[]).map(productOf) }
}

/** Products by id, those after `after`. */
export async function listProducts(store: RedisStore, after: string, limit: number): Promise<Seen<ProductList>> {
  const { asOf, content } = await read(store, LIST_PRODUCTS, ['', after, String(limit)])
  return { asOf, content: productList(content, limit) }
}

/** Undefined where there is no such shop. */
export async function readShop(
  store: RedisStore,
  shopId: string,
  after: string,
  limit: number,
): Promise<Seen<{ name: string; list: ProductList } | undefined>> {
  const { asOf, content } = await read(store, LIST_PRODUCTS, [shopId, after, String(limit)])
  if (content === null) return { asOf, content: undefined }
  const [name] = content as [string]
  return { asOf, content: { name, list: productList(content, limit) } }
}

/**
 * Products that have a term with each of the beginnings, the longest first; none where there is no beginning. In the order
 * of the terms that are found, those after the place `after`; a page may be short and have a next one all the same.
 */
export async function searchProducts(
  store: RedisStore,
  prefixes: readonly string[],
  after: string,
  limit: number,
): Promise<Seen<ProductList>> {
  const { asOf, content } = await read(store, SEARCH, [String(limit), after, ...prefixes])
  return { asOf, content: productList(content, limit) }
}

/** The orders of a buyer, newest first, those before `before` (a place that came with an earlier page). */
export async function readOrders(
  store: RedisStore,
  buyerId: string,
  before: string,
  limit: number,
): Promise<Seen<{ orders: StoredOrder[]; next: string | undefined }>> {
  const { asOf, content } = await read(store, READ_ORDERS, [buyerId, before, String(limit)])
  const rows = content as [place: string, ...fields: (string | null)[]][]
  const shown = rows.slice(0, limit)
  const next = rows.length > limit ? shown.at(-1)?.[0] : undefined
  return { asOf, content: { orders: shown.map(orderOf), next } }
}

export async function readProgress(
  store: RedisStore,
  kind: 'product' | 'shop' | 'order',
  id: string,
): Promise<Progress> {
  const { content } = await read(store, READ_PROGRESS, [`${kind}:${id}`, kind === 'order' ? 'v' : 'version'])
  const [version, buyerId, done, total, levelAt, made] = content as (string | null)[]
  const lag = Math.max(0, Number(total ?? 0) - Number(done ?? 0))
  // Neither is there where Redis has lost what is known of a view, until another one is built.
  const since = levelAt ?? (made === null ? Date.now() : Number(made) * 1_000)
  return { version: Number(version ?? 0), buyerId: buyerId ?? '', lag, levelAt: Number(since) }
}

/**
 * What is told while Redis does not answer. The pages are there and so is what is known of their age, so nothing can be said
 * of either.
 */
export function viewUnavailable(): Refusal {
  const detail =
    'Redis, which holds these pages, does not answer. How far they are behind stands there, too, and is not known.'
  return new Refusal('view-unavailable', { progress: null }, detail)
}

// All of it in one step, so that it is of one generation, whenever another one takes its place.
async function read(store: RedisStore, script: RedisScript, args: readonly string[]): Promise<Seen<RedisReply>> {
  let reply: RedisReply
  try {
    reply = await store.run(script, args)
  } catch (error) {
    if (error instanceof RedisStoreUnavailable) throw viewUnavailable()
    throw error
  }
  const [generation, asOf, content = null] = reply as [string, string, RedisReply?]
  if (generation.startsWith(VIEW_FORM)) return { asOf, content }
  throw new Refusal('view-building', { progress: progressOf(reply as string[]) })
}

function progressOf([, , applied = '0', known = '']: readonly string[]): object {
  const done = Number(applied)
  if (known === '') return { done }
  const total = Math.max(done, Number(known))
  return { done, total, percent: total === 0 ? 100 : Math.floor((100 * done) / total) }
}

// As apply-changes.ts puts it together.
function productOf(shown: string | null): StoredProduct | undefined {
  if (shown === null) return undefined
  const [page = '', announced = '', held = '', sold = '', saleTerms = ''] = shown.split('\n')
  return { page, announced, held, saleTerms, sold }
}

// The name of the shop, the place of the last one shown where there are more, products.
function productList(content: RedisReply, limit: number): ProductList {
  const [, last, ...rows] = content as [string, string, ...(string | null)[]]
  const products = rows
    .slice(0, limit)
    .map(productOf)
    .filter((product) => product !== undefined)
  return { products, next: last === '' ? undefined : last }
}

function orderOf([place, ...fields]: readonly [place: string, ...fields: (string | null)[]]): StoredOrder {
  const [productId, quantity, unitPriceMinor, currency, placedAt, status, changedAt] = fields.map(
    (field) => field ?? '',
  )
  return {
    orderId: place.slice(place.indexOf('~') + 1),
    productId: productId ?? '',
    quantity: Number(quantity),
    unitPriceMinor: Number(unitPriceMinor),
    currency: currency ?? '',
    status: status ?? '',
    placedAt: new Date(Number(placedAt)),
    changedAt: new Date(Number(changedAt)),
  }
}

// Entries of the index for a page of a search, so that it holds up nobody for more than a few milliseconds.
const SEARCH_LOOKS_AT = 1_000

// Where nothing is served: how far the one that is being built has got.
const SERVED_IN_LUA = `${KEYS_IN_LUA}
local generation = redis.call('GET', CURRENT)
if not generation or string.sub(generation, 1, ${VIEW_FORM.length}) ~= '${VIEW_FORM}' then
  local next = redis.call('GET', NEXT)
  local known = next and redis.call('HMGET', meta(next), 'done', 'total') or {}
  return { '', '', known[1] or '0', known[2] or '' }
end
local own = prefix(generation)
local asOf = redis.call('HGET', meta(generation), 'asOf') or ''
local function product(id) return redis.call('GET', own .. 'shown:' .. id) end
`

// In one command: a command each takes Redis twice as long as all the rest.
const READ_PRODUCTS = redisScript(`${SERVED_IN_LUA}
local keys = {}
for index, id in ipairs(ARGV) do keys[index] = own .. 'shown:' .. id end
return { generation, asOf, redis.call('MGET', unpack(keys)) }`)

const LIST_PRODUCTS = redisScript(`${SERVED_IN_LUA}
local shop, after, limit = ARGV[1], ARGV[2], tonumber(ARGV[3])
local name = ''
if shop ~= '' then
  name = redis.call('HGET', own .. 'shop:' .. shop, 'name')
  if not name then return { generation, asOf, false } end
end
local key = own .. (shop == '' and 'products' or 'products-of:' .. shop)
local ids = redis.call('ZRANGE', key, after == '' and '-' or '(' .. after, '+', 'BYLEX', 'LIMIT', 0, limit + 1)
local answer = { name, ids[limit + 1] and ids[limit] or '' }
for index = 1, math.min(#ids, limit) do answer[index + 2] = product(ids[index]) end
return { generation, asOf, answer }`)

// Goes through the terms that the first of the beginnings has. A product is found at the first of its terms that has it, so it
// is on one page alone, and if it has the others as well. Bounded, because one letter may be the beginning of everything.
const SEARCH = redisScript(`${SERVED_IN_LUA}
local limit, place, sought = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local found, looked, full = {}, 0, nil
local function isFoundBy(term, id)
  local terms = '\\n' .. (redis.call('HGET', own .. 'product:' .. id, 'terms') or '') .. '\\n'
  local at = string.find(terms, '\\n' .. sought, 1, true)
  if not at or string.sub(terms, at + 1, at + #term + 1) ~= term .. '\\n' then return false end
  for index = 4, #ARGV do
    if not string.find(terms, '\\n' .. ARGV[index], 1, true) then return false end
  end
  return true
end
local function page(next) return { generation, asOf, { '', next, unpack(found) } } end
while sought and looked < ${SEARCH_LOOKS_AT} do
  local members = redis.call('ZRANGE', own .. 'terms', place == '' and '[' .. sought or '(' .. place,
    '[' .. sought .. '\\255', 'BYLEX', 'LIMIT', 0, 250)
  for _, member in ipairs(members) do
    local term, id = string.match(member, '^(.*) ([^ ]+)$')
    if isFoundBy(term, id) then
      if full then return page(full) end
      found[#found + 1] = product(id)
      if #found == limit then full = member end
    end
    place = member
  end
  if #members < 250 then return page('') end
  looked = looked + #members
end
return page(sought and place or '')`)

const READ_ORDERS = redisScript(`${SERVED_IN_LUA}
local buyer, before, limit = ARGV[1], ARGV[2], tonumber(ARGV[3])
local places = redis.call('ZRANGE', own .. 'orders-of:' .. buyer, before == '' and '+' or '(' .. before, '-', 'BYLEX', 'REV',
  'LIMIT', 0, limit + 1)
local orders = {}
for index, place in ipairs(places) do
  local id = string.match(place, '~(.+)$')
  local fields = redis.call('HMGET', own .. 'order:' .. id, 'p', 'q', 'u', 'c', 't', 's', 'w')
  table.insert(fields, 1, place)
  orders[index] = fields
end
return { generation, asOf, orders }`)

const READ_PROGRESS = redisScript(`${SERVED_IN_LUA}
local known = redis.call('HMGET', own .. ARGV[1], ARGV[2], 'b')
return { generation, asOf, { known[1], known[2],
  unpack(redis.call('HMGET', meta(generation), 'done', 'total', 'levelAt', 'made')) } }`)

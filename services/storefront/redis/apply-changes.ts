import type { RedisStore } from '@timesale/redis/redis-store'
import { redisScript } from '@timesale/redis/redis-store'
import type { Change } from '../view.ts'
import { KEYS_IN_LUA } from './view-keys.ts'

/** Changes out of one partition, from one position to another. */
export interface PartitionChanges {
  readonly topic: string
  readonly partition: number
  /** Where they begin. */
  readonly from: bigint
  /** Where they begin if this is the first batch of the partition. */
  readonly first: bigint
  readonly to: bigint
  readonly changes: readonly Change[]
  /** RFC 3339 in UTC with milliseconds, so that texts compare like times; '' where no event was among the records. */
  readonly newest: string
}

/**
 * Applies them and moves the position, as one step, if the view stands where they begin. `moved`: it does not, somebody
 * else has applied them, or it was done and the answer lost. `gone`: there is no such generation (any more).
 */
export async function applyChanges(
  store: RedisStore,
  generation: string,
  { topic, partition, from, first, to, changes, newest }: PartitionChanges,
): Promise<'applied' | 'moved' | 'gone'> {
  const place = [`at:${topic} ${partition}`, String(from), String(first), String(to)]
  const reply = await store.run(APPLY, [
    generation,
    ...place,
    String(to - from),
    newest,
    // An empty list is no list to Lua's reader of JSON; and nothing needs it.
    changes.length === 0 ? '' : JSON.stringify(changes),
  ])
  return reply as 'applied' | 'moved' | 'gone'
}

const APPLY = redisScript(`${KEYS_IN_LUA}
local generation, place, from, first, to, count, newest, told = unpack(ARGV)
local own, about = prefix(generation), meta(generation)
local stands = redis.call('HMGET', about, 'made', place, 'asOf')
if not stands[1] then return 'gone' end
if (stands[2] or first) ~= from then return 'moved' end

-- Products whose pages are other ones afterwards.
local touched = {}

local function sell(productId, saleId, units)
  local sold = redis.call('HINCRBY', own .. 'sold:' .. productId, saleId, units)
  local key = own .. 'product:' .. productId
  if redis.call('HGET', key, 'saleId') == saleId then
    redis.call('HSET', key, 'sold', sold)
    touched[productId] = true
  end
end

local does = {}

-- The whole state: the newest one known is all that counts.
function does.product(change)
  local key = own .. 'product:' .. change.id
  local old = redis.call('HMGET', key, 'version', 'shopId', 'terms')
  if old[1] and tonumber(old[1]) >= change.version then return end
  local sold = change.saleId ~= '' and redis.call('HGET', own .. 'sold:' .. change.id, change.saleId) or '0'
  redis.call('HSET', key, 'version', change.version, 'page', change.page, 'saleId', change.saleId,
    'saleTerms', change.saleTerms, 'sold', sold, 'shopId', change.shopId, 'terms', change.terms)
  touched[change.id] = true
  redis.call('ZADD', own .. 'products', 0, change.id)
  if old[2] ~= change.shopId then
    if old[2] and old[2] ~= '' then redis.call('ZREM', own .. 'products-of:' .. old[2], change.id) end
    if change.shopId ~= '' then redis.call('ZADD', own .. 'products-of:' .. change.shopId, 0, change.id) end
  end
  if old[3] ~= change.terms then
    for term in string.gmatch(old[3] or '', '[^\\n]+') do redis.call('ZREM', own .. 'terms', term .. ' ' .. change.id) end
    for term in string.gmatch(change.terms, '[^\\n]+') do redis.call('ZADD', own .. 'terms', 0, term .. ' ' .. change.id) end
  end
end

function does.shop(change)
  local key = own .. 'shop:' .. change.id
  local version = redis.call('HGET', key, 'version')
  if version and tonumber(version) >= change.version then return end
  redis.call('HSET', key, 'version', change.version, 'name', change.name)
end

function does.stock(change)
  local key = own .. 'product:' .. change.id
  local version = redis.call('HGET', key, 'announcedBy')
  if version and tonumber(version) >= change.version then return end
  redis.call('HSET', key, 'announcedBy', change.version, 'announced', change.units)
  touched[change.id] = true
end

-- An order is told of by two topics, either of which may be ahead: what is held for it, and in which sale it was placed.
-- Whichever comes second counts its units as sold in that sale. Names are short, so that Redis stores such hashes densely:
-- r, version of the reservation; h, units held; l, sale; v, version of the order; b, buyer; p, product; q, quantity;
-- u, unit price; c, currency; t, when it was placed; s, status; w, since when.
local held = {}
function does.hold(change)
  local key = own .. 'order:' .. change.id
  local old = redis.call('HMGET', key, 'r', 'h', 'l')
  if old[1] and tonumber(old[1]) >= change.version then return end
  redis.call('HSET', key, 'r', change.version, 'h', change.units)
  local more = change.units - tonumber(old[2] or '0')
  held[change.productId] = (held[change.productId] or 0) + more
  if old[3] then sell(change.productId, old[3], more) end
end

function does.order(change)
  local key = own .. 'order:' .. change.id
  local old = redis.call('HMGET', key, 'v', 'l', 'h')
  if old[1] and tonumber(old[1]) >= change.version then return end
  if old[1] then
    redis.call('HSET', key, 'v', change.version, 's', change.status, 'w', change.at)
  else
    redis.call('HSET', key, 'v', change.version, 's', change.status, 'w', change.at, 'b', change.buyerId,
      'p', change.productId, 'q', change.quantity, 'u', change.unitPriceMinor, 'c', change.currency, 't', change.at)
    local since = string.rep('0', 15 - #change.at) .. change.at
    redis.call('ZADD', own .. 'orders-of:' .. change.buyerId, 0, since .. '~' .. change.id)
  end
  if change.saleId ~= '' and not old[2] then
    redis.call('HSET', key, 'l', change.saleId)
    if old[3] and old[3] ~= '0' then sell(change.productId, change.saleId, tonumber(old[3])) end
  end
end

if told ~= '' then
  for _, change in ipairs(cjson.decode(told)) do does[change.kind](change) end
end
for productId, units in pairs(held) do
  if units ~= 0 then
    redis.call('HINCRBY', own .. 'product:' .. productId, 'held', units)
    touched[productId] = true
  end
end
-- What a page is made of, in one piece, since it is read far more often than it changes. JSON has no line breaks in it.
for productId in pairs(touched) do
  local known = redis.call('HMGET', own .. 'product:' .. productId, 'page', 'announced', 'held', 'sold', 'saleTerms')
  for index = 2, 5 do known[index] = known[index] or '' end
  if known[1] then redis.call('SET', own .. 'shown:' .. productId, table.concat(known, '\\n')) end
end
redis.call('HSET', about, place, to)
redis.call('HINCRBY', about, 'done', count)
if newest > (stands[3] or '') then redis.call('HSET', about, 'asOf', newest) end
return 'applied'`)

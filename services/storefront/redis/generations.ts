import { randomBytes } from 'node:crypto'
import { redisScript, type RedisStore } from '@timesale/redis/redis-store'
import { KEYS_IN_LUA, VIEW_FORM, VIEW_PREFIX } from './view-keys.ts'

/** Which generations there are, as they are named; '' where there is none. */
export interface Generations {
  /** The one that is served. */
  readonly current: string
  /** The one that is being built to take its place. */
  readonly next: string
}

/** How far a generation is. */
export interface GenerationState {
  /** Which cluster's topics it was built from; '' until the first look at them. */
  readonly cluster: string
  /** By `<topic> <partition>`; absent where nothing was read yet. */
  readonly positions: ReadonlyMap<string, bigint>
  readonly done: number
  /** Records there were in all when the keeper last looked; undefined before it has. */
  readonly total: number | undefined
  readonly asOf: string
}

// So long after its end is what a keeper that was killed kept not kept by another one.
const KEEPER_MS = 2_000

/**
 * Says that `keeper` keeps the views, unless another one does, and which there are. Where none is served and none is being
 * built, one is begun. Undefined where another one keeps them. That there is one keeper saves work; two would do no harm.
 */
export async function keepGenerations(store: RedisStore, keeper: string): Promise<Generations | undefined> {
  const reply = await store.run(KEEP, [keeper, String(KEEPER_MS), newGeneration(), VIEW_FORM])
  return reply === null ? undefined : generationsOf(reply as [string, string])
}

/** Lets another one keep them at once. */
export async function leaveGenerations(store: RedisStore, keeper: string): Promise<void> {
  await store.run(LEAVE, [keeper])
}

/** Begins another generation, or finds the one that was begun. */
export async function beginGeneration(store: RedisStore): Promise<Generations> {
  return generationsOf((await store.run(BEGIN, [newGeneration()])) as [string, string])
}

export async function readGenerations(store: RedisStore): Promise<Generations> {
  return generationsOf((await store.run(READ)) as [string, string])
}

/** Undefined where there is no such generation. */
export async function readState(store: RedisStore, generation: string): Promise<GenerationState | undefined> {
  const reply = (await store.run(STATE, [generation])) as string[]
  const fields = new Map<string, string>()
  for (let index = 0; index + 1 < reply.length; index += 2) fields.set(reply[index] ?? '', reply[index + 1] ?? '')
  if (!fields.has('made')) return undefined
  const total = fields.get('total')
  return {
    cluster: fields.get('cluster') ?? '',
    positions: new Map(
      [...fields].flatMap(([name, text]) => (name.startsWith('at:') ? [[name.slice(3), BigInt(text)]] : [])),
    ),
    done: Number(fields.get('done') ?? 0),
    total: total === undefined ? undefined : Number(total),
    asOf: fields.get('asOf') ?? '',
  }
}

/** Remembers which cluster a generation is built from, if it exists and nothing was said of that. */
export async function noteCluster(store: RedisStore, generation: string, cluster: string): Promise<void> {
  await store.run(NOTE_CLUSTER, [generation, cluster])
}

/**
 * Remembers what a look at the topics has shown: how many records there are, and, where that is known, when the view was
 * last level with them (milliseconds since the epoch; never put back).
 */
export async function noteLook(
  store: RedisStore,
  generation: string,
  { total, levelAt }: { readonly total: number; readonly levelAt: number | undefined },
): Promise<void> {
  await store.run(NOTE_LOOK, [generation, String(total), String(levelAt ?? '')])
}

/**
 * Serves `next` from now on, in one step. `behind`: the present one has read further in some partition, and no page may
 * step back. `not-ours`: there is another keeper, or another next.
 */
export async function serveNext(
  store: RedisStore,
  keeper: string,
  generation: string,
): Promise<'served' | 'behind' | 'not-ours'> {
  return (await store.run(SERVE, [keeper, generation])) as 'served' | 'behind' | 'not-ours'
}

/** Serves a generation no longer, or builds it no further, if that is what is done. */
export async function giveUpGeneration(store: RedisStore, generation: string): Promise<void> {
  await store.run(GIVE_UP, [generation])
}

/**
 * Deletes what is left of generations that are neither served nor built, a few hundred keys at a time. Positions first: a
 * process that was paused and still follows one finds no position, and writes nothing to it.
 */
export async function deleteOldGenerations(store: RedisStore): Promise<void> {
  for await (const keys of store.scan(`${VIEW_PREFIX}*:*`)) {
    const byGeneration = Map.groupBy(keys, (key) => key.slice(VIEW_PREFIX.length).split(':', 1)[0] ?? '')
    for (const [generation, own] of byGeneration) await store.run(DELETE, [generation, ...own])
  }
}

function newGeneration(): string {
  return VIEW_FORM + randomBytes(6).toString('hex')
}

function generationsOf([current, next]: readonly [string, string]): Generations {
  return { current, next }
}

const BEGIN_IN_LUA = `
local function both() return { redis.call('GET', CURRENT) or '', redis.call('GET', NEXT) or '' } end
local function begin(generation)
  redis.call('SET', NEXT, generation)
  redis.call('HSET', meta(generation), 'made', redis.call('TIME')[1])
end
`

// What another form of this program has built is not served by us, and it does not serve ours: whoever keeps the views
// decides. A next one whose positions are gone cannot be built any further.
const KEEP = redisScript(`${KEYS_IN_LUA}${BEGIN_IN_LUA}
local keeper, ms, generation, form = unpack(ARGV)
local other = redis.call('GET', KEEPER)
if other and other ~= keeper then return false end
redis.call('SET', KEEPER, keeper, 'PX', ms)
local current, next = redis.call('GET', CURRENT), redis.call('GET', NEXT)
if next and (string.sub(next, 1, #form) ~= form or redis.call('EXISTS', meta(next)) == 0) then
  redis.call('DEL', NEXT)
  next = false
end
local usable = current and string.sub(current, 1, #form) == form and redis.call('HEXISTS', meta(current), 'made') == 1
if not usable and not next then begin(generation) end
return both()`)

const LEAVE = redisScript(`${KEYS_IN_LUA}
if redis.call('GET', KEEPER) == ARGV[1] then redis.call('DEL', KEEPER) end
return 1`)

const BEGIN = redisScript(`${KEYS_IN_LUA}${BEGIN_IN_LUA}
if redis.call('EXISTS', NEXT) == 0 then begin(ARGV[1]) end
return both()`)

const READ = redisScript(`${KEYS_IN_LUA}${BEGIN_IN_LUA}
return both()`)

const STATE = redisScript(`${KEYS_IN_LUA}
return redis.call('HGETALL', meta(ARGV[1]))`)

const NOTE_CLUSTER = redisScript(`${KEYS_IN_LUA}
local about = meta(ARGV[1])
if redis.call('HEXISTS', about, 'made') == 1 then redis.call('HSETNX', about, 'cluster', ARGV[2]) end
return 1`)

const NOTE_LOOK = redisScript(`${KEYS_IN_LUA}
local about = meta(ARGV[1])
local known = redis.call('HMGET', about, 'made', 'levelAt')
if not known[1] then return 0 end
redis.call('HSET', about, 'total', ARGV[2])
if ARGV[3] ~= '' and tonumber(ARGV[3]) > tonumber(known[2] or 0) then redis.call('HSET', about, 'levelAt', ARGV[3]) end
return 1`)

const SERVE = redisScript(`${KEYS_IN_LUA}
local keeper, generation = unpack(ARGV)
if redis.call('GET', KEEPER) ~= keeper or redis.call('GET', NEXT) ~= generation then return 'not-ours' end
if redis.call('HEXISTS', meta(generation), 'made') == 0 then return 'not-ours' end
local current = redis.call('GET', CURRENT)
if current then
  local fields = redis.call('HGETALL', meta(current))
  for index = 1, #fields, 2 do
    if string.sub(fields[index], 1, 3) == 'at:' then
      local own = redis.call('HGET', meta(generation), fields[index]) or '0'
      if tonumber(own) < tonumber(fields[index + 1]) then return 'behind' end
    end
  end
end
redis.call('SET', CURRENT, generation)
redis.call('DEL', NEXT)
return 'served'`)

const GIVE_UP = redisScript(`${KEYS_IN_LUA}
for _, pointer in ipairs({ CURRENT, NEXT }) do
  if redis.call('GET', pointer) == ARGV[1] then redis.call('DEL', pointer) end
end
return 1`)

const DELETE = redisScript(`${KEYS_IN_LUA}
local generation = ARGV[1]
if redis.call('GET', CURRENT) == generation or redis.call('GET', NEXT) == generation then return 0 end
redis.call('DEL', meta(generation))
for index = 2, #ARGV do redis.call('UNLINK', ARGV[index]) end
return #ARGV - 1`)

import { createHash } from 'node:crypto'
import type { RouteClass } from '@timesale/contracts/gateway-api'
import type { RedisHints } from '@timesale/redis/redis'
import { REVOKED_SESSIONS_KEY } from '@timesale/redis/session-keys'
import type { Limit, Spent } from './limit.ts'
import { MemoryCounter } from './memory.ts'

/** What Redis was asked for one request. */
export interface Taken extends Spent {
  /** The limit that was counted against: this gateway's share of it where Redis does not count. */
  readonly limit: Limit
  readonly isRevoked: boolean
}

type Client = Parameters<Parameters<RedisHints['call']>[0]>[0]

// One command for all who wait, and for both questions of each: is there anything left, and was the session ended? A key
// that has lost its expiry would count for ever, so one is set wherever there is none.
const TAKE = `
local answer = {}
for index = 1, #KEYS - 1 do
  local spent = redis.call('INCR', KEYS[index])
  local left = redis.call('PTTL', KEYS[index])
  if left < 0 then
    left = tonumber(ARGV[2 * index - 1])
    redis.call('PEXPIRE', KEYS[index], left)
  end
  local session = ARGV[2 * index]
  local revoked = session ~= '' and redis.call('ZSCORE', KEYS[#KEYS], session) and 1 or 0
  answer[3 * index - 2], answer[3 * index - 1], answer[3 * index] = spent, left, revoked
end
return answer`
const TAKE_SHA = createHash('sha1').update(TAKE).digest('hex')

/** Classes that protect secrets: without Redis they are stricter, not more generous. */
const STRICT: ReadonlySet<RouteClass> = new Set(['credentials'])

export interface LimiterOptions {
  readonly redis: RedisHints
  /** Asked for each request, so that limits may change while it runs. */
  readonly limitOf: (routeClass: RouteClass) => Limit
  readonly replicas: number
  /** Sessions known to be ended, whatever Redis says. */
  readonly isRevoked: (sessionId: string) => boolean
  /** A request was counted here, since Redis did not answer. */
  readonly onMemory: () => void
}

interface Waiting {
  readonly key: string
  readonly limit: Limit
  readonly sessionId: string
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: unknown) => void
}

/** Requests in one command: Redis does nothing else meanwhile, and each takes it 3 us. */
const ASKED_MAX = 200

/**
 * Counts requests in Redis, for all gateways together. Where Redis does not answer within 50 ms, in memory, up to this
 * gateway's share of the limit: a fault of the store is never a "no". Whoever comes while Redis is being asked is asked
 * about next, together with all others who wait: a command each costs more than all the rest of counting.
 */
export class Limiter {
  readonly #options: LimiterOptions
  readonly #memory = new MemoryCounter()
  #waiting: Waiting[] = []
  #isAsking = false

  constructor(options: LimiterOptions) {
    this.#options = options
  }

  get countedIn(): 'redis' | 'memory' {
    return this.#options.redis.reachable ? 'redis' : 'memory'
  }

  async take(routeClass: RouteClass, who: string, sessionId: string | undefined): Promise<Taken> {
    const limit = this.#options.limitOf(routeClass)
    const isRevoked = sessionId !== undefined && this.#options.isRevoked(sessionId)
    try {
      const [spent, leftMs, revoked] = await this.#ask(keyOf(routeClass, who, limit), limit, sessionId ?? '')
      return { limit, spent, leftMs, isRevoked: isRevoked || revoked === 1 }
    } catch {
      this.#options.onMemory()
      const share = this.#shareOf(routeClass, limit)
      return { limit: share, ...this.#memory.take(keyOf(routeClass, who, limit), share, Date.now()), isRevoked }
    }
  }

  /** What is spent, without spending any. */
  async read(wanted: readonly { class: RouteClass; who: string }[]): Promise<readonly (Spent & { limit: Limit })[]> {
    const counted = wanted.map(({ class: routeClass, who }) => {
      const limit = this.#options.limitOf(routeClass)
      return { routeClass, limit, key: keyOf(routeClass, who, limit) }
    })
    try {
      const found = await this.#options.redis.call((client) =>
        Promise.all(counted.map(({ key }) => Promise.all([client.get(key), client.pTTL(key)]))),
      )
      return counted.map(({ limit }, index) => {
        const [spent, leftMs] = found[index] ?? [null, 0]
        return { limit, spent: Number(spent ?? 0), leftMs: Math.max(0, leftMs) }
      })
    } catch {
      const now = Date.now()
      return counted.map(({ routeClass, limit, key }) => {
        return { limit: this.#shareOf(routeClass, limit), ...this.#memory.read(key, now) }
      })
    }
  }

  #ask(key: string, limit: Limit, sessionId: string): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ key, limit, sessionId, resolve, reject })
      if (!this.#isAsking) void this.#askForAll()
    })
  }

  async #askForAll(): Promise<void> {
    this.#isAsking = true
    while (this.#waiting.length > 0) {
      const asked = this.#waiting.splice(0, ASKED_MAX)
      try {
        const replies = await this.#options.redis.call((client) => ask(client, asked))
        for (const [index, { resolve }] of asked.entries()) {
          const [spent = 0, leftMs = 0, revoked = 0] = replies.slice(3 * index, 3 * index + 3)
          resolve([spent, leftMs, revoked])
        }
      } catch (error) {
        for (const { reject } of asked) reject(error)
      }
    }
    this.#isAsking = false
  }

  #shareOf(routeClass: RouteClass, { points, seconds }: Limit): Limit {
    const share = points / this.#options.replicas / (STRICT.has(routeClass) ? 2 : 1)
    return { points: Math.max(1, Math.floor(share)), seconds }
  }
}

// A window that was begun under another length would go on to its own end, which may be a day away.
function keyOf(routeClass: RouteClass, who: string, { seconds }: Limit): string {
  return `timesale:limit:${routeClass}:${seconds}:${who}`
}

type Reply = [spent: number, leftMs: number, revoked: number]

/** The three numbers of each, one after the other. */
function ask(client: Client, asked: readonly Waiting[]): Promise<readonly number[]> {
  const about = {
    keys: [...asked.map(({ key }) => key), REVOKED_SESSIONS_KEY],
    arguments: asked.flatMap(({ limit, sessionId }) => [String(limit.seconds * 1000), sessionId]),
  }
  return client.evalSha(TAKE_SHA, about).catch((error: unknown) => {
    // A Redis that was started anew has no scripts.
    if (error instanceof Error && error.message.startsWith('NOSCRIPT')) return client.eval(TAKE, about)
    throw error
  }) as Promise<unknown> as Promise<readonly number[]>
}

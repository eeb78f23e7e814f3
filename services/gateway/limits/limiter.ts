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

/** What is spent of each limit that was asked for. */
export interface Counts {
  readonly countedIn: 'redis' | 'memory'
  readonly counts: readonly (Spent & { readonly limit: Limit })[]
}

const revoked = { spent: 0, leftMs: 0, isRevoked: true } as const

type Client = Parameters<Parameters<RedisHints['call']>[0]>[0]

// One command for all who wait, and for both questions of each: was the session ended, and is there anything left? Whoever
// holds a token of an ended session spends nothing of what the account may. A key that has lost its expiry would count
// for ever, so one is set wherever there is none, and wherever there is one that is not ours.
const TAKE = `
local answer = {}
for index = 1, #KEYS - 1 do
  local window = tonumber(ARGV[2 * index - 1])
  local session = ARGV[2 * index]
  local spent, left, ended = 0, 0, 1
  if session == '' or not redis.call('ZSCORE', KEYS[#KEYS], session) then
    spent = redis.call('INCR', KEYS[index])
    left = redis.call('PTTL', KEYS[index])
    ended = 0
    if left < 0 or left > window then
      left = window
      redis.call('PEXPIRE', KEYS[index], left)
    end
  end
  answer[3 * index - 2], answer[3 * index - 1], answer[3 * index] = spent, left, ended
end
return answer`
const TAKE_SHA = createHash('sha1').update(TAKE).digest('hex')

/** Classes that protect secrets: without Redis they are stricter, not more generous. */
const STRICT: ReadonlySet<RouteClass> = new Set(['credentials'])

export interface LimiterOptions {
  readonly redis: Pick<RedisHints, 'call' | 'reachable'>
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
 * gateway's share of the limit: a fault of the store is never a "no". Nor is a lie of it: Redis says that there is nothing
 * left, and this gateway lets through up to its share all the same. So somebody who asks one gateway after the other may
 * have a share more from each; and who asks always the same one, not one request. Whoever comes while Redis is being asked
 * is asked about next, together with all others who wait: a command each costs more than all the rest of counting.
 */
export class Limiter {
  readonly #options: LimiterOptions
  /** While Redis does not answer. */
  readonly #memory = new MemoryCounter()
  #waiting: Waiting[] = []
  #isAsking = false
  /** Whether Redis answered those who were asked about last. */
  #hasAnswered = true
  /** All that came here, to tell whether Redis can be right. */
  readonly #own = new MemoryCounter()

  constructor(options: LimiterOptions) {
    this.#options = options
  }

  get countedIn(): 'redis' | 'memory' {
    return this.#options.redis.reachable ? 'redis' : 'memory'
  }

  async take(routeClass: RouteClass, who: string, sessionId: string | undefined): Promise<Taken> {
    const limit = this.#options.limitOf(routeClass)
    if (sessionId !== undefined && this.#options.isRevoked(sessionId)) return { ...revoked, limit }
    const share = this.#shareOf(routeClass, limit)
    const key = keyOf(routeClass, who, limit)
    const own = this.#own.take(key, limit, Date.now())
    try {
      const [spent, leftMs, ended] = await this.#ask(key, limit, sessionId ?? '')
      if (ended === 1) return { ...revoked, limit }
      const told = { limit, spent, leftMs, isRevoked: false }
      return this.#isBelieved(routeClass, key, told) ? told : { ...told, ...own, limit: share }
    } catch {
      this.#options.onMemory()
      return { limit: share, ...this.#memory.take(key, share, Date.now()), isRevoked: false }
    }
  }

  /**
   * What is spent, without spending any, and who counts. Where Redis has just let the caller's own request wait in vain, it is
   * not waited for once more.
   */
  async read(wanted: readonly { class: RouteClass; who: string }[]): Promise<Counts> {
    const counted = wanted.map(({ class: routeClass, who }) => {
      const limit = this.#options.limitOf(routeClass)
      return { routeClass, limit, key: keyOf(routeClass, who, limit) }
    })
    const found = this.#hasAnswered ? await this.#readFromRedis(counted.map(({ key }) => key)) : undefined
    if (found === undefined) {
      const now = Date.now()
      const counts = counted.map(({ routeClass, limit, key }) => {
        return { limit: this.#shareOf(routeClass, limit), ...this.#memory.read(key, now) }
      })
      return { countedIn: 'memory', counts }
    }
    const counts = counted.map(({ limit }, index) => {
      const [spent, leftMs] = found[index] ?? [null, 0]
      return { limit, spent: Number(spent ?? 0), leftMs: Math.max(0, leftMs) }
    })
    return { countedIn: 'redis', counts }
  }

  async #readFromRedis(keys: readonly string[]): Promise<readonly [string | null, number][] | undefined> {
    try {
      return await this.#options.redis.call((client) =>
        Promise.all(keys.map((key) => Promise.all([client.get(key), client.pTTL(key)]))),
      )
    } catch {
      return undefined
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
        this.#hasAnswered = true
      } catch (error) {
        this.#hasAnswered = false
        // Those, too, who came meanwhile: they would wait for the same again.
        for (const { reject } of [...asked, ...this.#waiting.splice(0)]) reject(error)
      }
    }
    this.#isAsking = false
  }

  // That nothing is left is believed where as much was seen here. Where secrets are guessed, always.
  #isBelieved(routeClass: RouteClass, key: string, { limit, spent }: Taken): boolean {
    if (spent <= limit.points || STRICT.has(routeClass)) return true
    return this.#own.read(key, Date.now()).spent > this.#shareOf(routeClass, limit).points
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

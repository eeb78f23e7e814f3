import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'

/** The lock as somebody holds it, or believes to. */
export interface Held {
  /** Whose it is: only who knows it may give the lock back. */
  readonly owner: string
  /** Rises each time the lock is taken. */
  readonly fence: number
}

export interface RedisLockOptions {
  readonly url: string
  readonly key: string
  /** After this the lock is free again, whatever has become of its holder. */
  readonly leaseMs: number
  /** `asked-again`: every 1 to 5 ms. `woken`: by the release, one at a time, in the order in which they came. */
  readonly waiting: 'asked-again' | 'woken'
}

type Client = ReturnType<typeof createClient>

const TAKEN_WITHIN_MS = 30_000

// The number is given with the lock and not after it: who is paused in between would come back with the greatest of all.
const TAKE = `
  if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return redis.call('INCR', KEYS[2]) end
  return 0`

// Compared first: after its lease the lock is somebody else's.
const RELEASE = `
  if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
  redis.call('DEL', KEYS[1])
  redis.call('PUBLISH', KEYS[1], '')
  return 1`

/** A lock in Redis as it is usually made: SET NX PX with a value of one's own, and released by whoever has set it. */
export class RedisLock implements AsyncDisposable {
  readonly #options: RedisLockOptions
  readonly #client: Client
  readonly #subscriber: Client
  readonly #waiting: (() => void)[] = []
  #take = ''
  #release = ''

  private constructor(options: RedisLockOptions) {
    this.#options = options
    this.#client = connectionTo(options.url)
    this.#subscriber = connectionTo(options.url)
  }

  static async open(options: RedisLockOptions): Promise<RedisLock> {
    const lock = new RedisLock(options)
    await lock.#connect()
    return lock
  }

  async take(): Promise<Held> {
    const owner = randomUUID()
    const end = performance.now() + TAKEN_WITHIN_MS
    // Who comes later does not go before those who wait.
    if (this.#waiting.length > 0) await this.#untilItMayBeFree()
    while (performance.now() < end) {
      const { key, leaseMs } = this.#options
      const arguments_ = { keys: [key, `${key}:fence`], arguments: [owner, String(leaseMs)] }
      const fence = Number(await this.#client.evalSha(this.#take, arguments_))
      if (fence > 0) return { owner, fence }
      await this.#untilItMayBeFree()
    }
    throw new Error(`The lock was not to be had within ${TAKEN_WITHIN_MS} ms`)
  }

  async isHeld({ owner }: Held): Promise<boolean> {
    return (await this.#client.get(this.#options.key)) === owner
  }

  async release({ owner }: Held): Promise<void> {
    await this.#client.evalSha(this.#release, { keys: [this.#options.key], arguments: [owner] })
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const client of [this.#client, this.#subscriber]) if (client.isOpen) client.destroy()
    return Promise.resolve()
  }

  async #connect(): Promise<void> {
    await this.#client.connect()
    this.#take = await this.#client.scriptLoad(TAKE)
    this.#release = await this.#client.scriptLoad(RELEASE)
    if (this.#options.waiting !== 'woken') return
    await this.#subscriber.connect()
    await this.#subscriber.subscribe(this.#options.key, () => this.#waiting.shift()?.())
  }

  async #untilItMayBeFree(): Promise<void> {
    if (this.#options.waiting === 'asked-again') {
      await sleep(1 + Math.random() * 4)
      return
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.push(resolve)
    // A holder that died wakes nobody.
    const late = setTimeout(resolve, this.#options.leaseMs)
    await promise
    clearTimeout(late)
    const place = this.#waiting.indexOf(resolve)
    if (place >= 0) this.#waiting.splice(place, 1)
  }
}

function connectionTo(url: string): Client {
  // Redis that is gone ends the experiment; nothing is queued for when it is back.
  const client: Client = createClient({ url, disableOfflineQueue: true, socket: { reconnectStrategy: false } })
  // The next command fails too and says so.
  client.on('error', () => undefined)
  return client
}

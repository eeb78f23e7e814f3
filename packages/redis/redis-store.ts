import { createHash } from 'node:crypto'
import { ErrorReply } from 'redis'
import { within } from '@timesale/process/deadline'
import type { Logger } from '@timesale/telemetry/logger'
import { makeClient, type Client } from './client.ts'

/** Redis did not answer in time, or is not there. What was asked may have been done all the same. */
export class RedisStoreUnavailable extends Error {
  override readonly name = 'RedisStoreUnavailable'
}

/** What a script gives back (RESP2): texts, whole numbers, nothing, and lists of these. */
export type RedisReply = string | number | null | readonly RedisReply[]

/** A Lua script; Redis is sent its text once and its name from then on. */
export interface RedisScript {
  readonly text: string
  readonly sha1: string
}

export function redisScript(text: string): RedisScript {
  return { text, sha1: createHash('sha1').update(text).digest('hex') }
}

const REPLACED_AFTER_TIMEOUTS = 3

/**
 * Redis as the place where something is kept: everything is done by scripts, each of which happens as a whole or not at
 * all, and answers within a bound or throws RedisStoreUnavailable. Nothing is queued while Redis is away, nothing is sent twice.
 */
export class RedisStore implements AsyncDisposable {
  readonly #client: Client
  readonly #answerMs: number
  #connected: Promise<unknown> | undefined
  #timeouts = 0

  constructor(options: { url: string; logger: Logger; answerMs: number }) {
    this.#answerMs = options.answerMs
    this.#client = makeClient({
      url: options.url,
      logger: options.logger,
      socketTimeoutMs: 10_000,
      reconnectWithinMs: 1_000,
      whenLost: 'redis: lost',
    })
    // Not awaited: a service starts without Redis. Who asks before the first connection waits for it, as long as for an answer.
    this.#connected = this.#client.connect().then(
      () => (this.#connected = undefined),
      () => (this.#connected = undefined),
    )
  }

  get reachable(): boolean {
    return this.#client.isReady && this.#timeouts === 0
  }

  /** Runs a script that names its keys itself. Throws RedisStoreUnavailable, and what the script has failed with. */
  async run(script: RedisScript, args: readonly string[] = []): Promise<RedisReply> {
    try {
      return await this.#send(['EVALSHA', script.sha1, '0', ...args])
    } catch (error) {
      // Redis was started anew, and knows it no longer.
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
      return await this.#send(['EVAL', script.text, '0', ...args])
    }
  }

  /** The keys that match a pattern, in pieces; one that comes or goes meanwhile may be left out. */
  async *scan(pattern: string): AsyncGenerator<readonly string[]> {
    let cursor = '0'
    do {
      const reply = (await this.#send(['SCAN', cursor, 'MATCH', pattern, 'COUNT', '500'])) as [string, string[]]
      cursor = reply[0]
      if (reply[1].length > 0) yield reply[1]
    } while (cursor !== '0')
  }

  async #send(command: readonly string[]): Promise<RedisReply> {
    try {
      const reply = await within(
        this.#answerMs,
        this.#connected === undefined ? this.#sendNow(command) : this.#connected.then(() => this.#sendNow(command)),
        () => new RedisStoreUnavailable('Redis did not answer in time'),
      )
      this.#timeouts = 0
      return reply
    } catch (error) {
      if (error instanceof RedisStoreUnavailable) {
        this.#timeouts += 1
        // A connection that a machine in between has forgotten swallows everything; another one may be served.
        if (this.#timeouts % REPLACED_AFTER_TIMEOUTS === 0) this.#replaceConnection()
        throw error
      }
      // Redis said no, which is a bug of ours or its own trouble: loading its data, out of memory, read-only.
      if (isErrorReply(error)) throw error
      throw new RedisStoreUnavailable('Redis is not there', { cause: error })
    }
  }

  #sendNow(command: readonly string[]): Promise<RedisReply> {
    return this.#client.sendCommand<RedisReply>([...command])
  }

  #replaceConnection(): void {
    if (this.#client.isOpen) this.#client.destroy()
    this.#client.connect().catch(() => undefined)
  }

  close(): Promise<void> {
    // destroy() throws when the client never was open.
    if (this.#client.isOpen) this.#client.destroy()
    return Promise.resolve()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

const OWN_TROUBLE = /^(LOADING|OOM|MISCONF|READONLY|BUSY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|NOREPLICAS)\b/

function isErrorReply(error: unknown): boolean {
  return error instanceof ErrorReply && !OWN_TROUBLE.test(error.message)
}

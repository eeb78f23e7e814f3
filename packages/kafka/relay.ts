import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { PLANNED_ONCE, serverOptions } from '@timesale/postgres/session-settings'
import type { Logger } from '@timesale/telemetry/logger'
import { counter, gauge, type Registry } from '@timesale/telemetry/metrics'
import { rotated } from './brokers.ts'
import { readLines } from './outbox-lines.ts'
import { OrderedProducer } from './producer.ts'

export interface RelayOptions {
  readonly service: string
  readonly dbUrl: string
  readonly brokers: readonly string[]
  readonly logger: Logger
  readonly registry: Registry
}

const BATCH_ROWS = 256
// While there is much to send, sends begin this far apart: each is larger then, and costs the broker, and everybody who
// reads, about the same as a small one. A row that comes alone finds the last send long past, and waits for nothing.
const GAP_MS = 10
// A send becomes one batch a partition, and brokers take no more than 1 MiB of that (message.max.bytes). Dead letters
// have one partition and may have 256 KiB each: a few of them together would be refused for ever.
const BATCH_BYTES = 768 * 1024
const POLL_MS = 50
const LEADER_TRY_MS = 500
const PING_MS = 2_000
// A leader that is paused longer than this loses its session, and with it the lock: another one leads.
const IDLE_SESSION_TIMEOUT_MS = 10_000
const BACKOFF_MAX_MS = 5_000
// Any number, the same in all processes; advisory locks are per database, so each database has its own leader.
const LEADER_LOCK = 7_215_002_024

/**
 * Moves committed facts from the outbox to Kafka, in order.
 *
 *   lead (session advisory lock) -> read the oldest rows -> send, acks=all, one batch in flight -> delete -> again
 *
 * Reads rows by their being there, never by `id > last`: an id is taken before its transaction commits, so a late
 * commit would be stepped over. One leader a database, and never `skip locked` between several: version 2 of an order
 * could overtake version 1. A crash after the ack and before the delete sends rows twice, which consumers drop.
 * Reads and deletes on the very session that holds the lock: a leader that was overtaken cannot delete any more.
 */
export class Relay {
  readonly #options: RelayOptions
  readonly #stop = new AbortController()
  readonly #published
  readonly #leading
  #rowsMax = BATCH_ROWS
  #leads = 0
  #woken = false
  #wakeUp: (() => void) | undefined
  #state: 'following' | 'leading' | 'failing' = 'following'
  #done: Promise<void> | undefined

  constructor(options: RelayOptions) {
    this.#options = options
    this.#published = counter(options.registry, 'relay_records_total', 'Records acknowledged by the brokers', ['topic'])
    this.#leading = gauge(options.registry, 'relay_leading', '1 while this process leads the relay', [])
  }

  /** `failing`: rows wait, and the brokers or the database do not answer. */
  get state(): 'following' | 'leading' | 'failing' {
    return this.#state
  }

  start(): void {
    this.#done = this.#run()
  }

  /** Rows were committed; saves the time until the next poll. */
  wake(): void {
    this.#woken = true
    this.#wakeUp?.()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    this.#wakeUp?.()
    await this.#done
  }

  async #run(): Promise<void> {
    let failures = 0
    while (!this.#stop.signal.aborted) {
      try {
        await this.#lead(() => {
          failures = 0
        })
      } catch (error) {
        if (this.#stop.signal.aborted) return
        failures += 1
        // A broker that takes less than ours would refuse the same batch for ever.
        this.#rowsMax = Math.max(this.#rowsMax >> 1, 1)
        this.#state = 'failing'
        const waitMs = Math.random() * Math.min(100 * 2 ** failures, BACKOFF_MAX_MS)
        this.#options.logger.warn({ err: error, failures, waitMs }, 'relay: will try again')
        await sleep(waitMs, undefined, { signal: this.#stop.signal }).catch(() => undefined)
      } finally {
        this.#leading.set(0)
      }
    }
  }

  async #lead(onProgress: () => void): Promise<void> {
    await using session = await openSession(this.#options)
    while (!(await session.tryLock())) {
      this.#state = 'following'
      // Not hastened by a wake: somebody else sends these rows, and each commit would ask for the lock again.
      await sleep(LEADER_TRY_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined)
      if (this.#stop.signal.aborted) return
    }
    this.#leading.set(1)
    this.#leads += 1
    await using producer = new OrderedProducer({
      clientId: `${this.#options.service}-relay`,
      brokers: rotated(this.#options.brokers, this.#leads),
    })
    while (!this.#stop.signal.aborted) {
      this.#woken = false
      const began = performance.now()
      const { rows, isFull } = await session.oldestRows(this.#rowsMax)
      if (rows.length === 0) {
        this.#state = 'leading'
        await this.#pause(POLL_MS)
        continue
      }
      const records = rows.flatMap((row) => readLines(row.lines))
      await session.keptAlive(() => producer.send(records))
      await session.deleteRows(rows.map((row) => row.id))
      this.#state = 'leading'
      onProgress()
      this.#rowsMax = Math.min(this.#rowsMax * 2, BATCH_ROWS)
      for (const [topic, { length }] of Map.groupBy(records, (record) => record.topic)) {
        this.#published.inc({ topic }, length)
      }
      if (!isFull) await this.#untilGapIsOver(began)
    }
  }

  async #untilGapIsOver(began: number): Promise<void> {
    const left = began + GAP_MS - performance.now()
    if (left >= 1) await sleep(left, undefined, { signal: this.#stop.signal }).catch(() => undefined)
  }

  #pause(ms: number): Promise<void> {
    if (this.#woken || this.#stop.signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms)
      function done(): void {
        clearTimeout(timer)
        resolve()
      }
      this.#wakeUp = done
    })
  }
}

interface WaitingRow {
  readonly id: string
  readonly lines: string
}

interface LeaderSession extends AsyncDisposable {
  /** While nothing else is said on the session; a process that is paused keeps nothing alive. */
  keptAlive(work: () => Promise<unknown>): Promise<void>
  tryLock(): Promise<boolean>
  /** At most so many, and no more than one batch may hold; at least one where there is any. */
  oldestRows(max: number): Promise<{ rows: readonly WaitingRow[]; isFull: boolean }>
  deleteRows(ids: readonly string[]): Promise<void>
}

// Measured by the server: rows that do not fit are not sent over for nothing.
const OLDEST_ROWS = {
  name: 'oldest',
  text: `
    select id, lines, looked_at
    from (
      select id, lines, row_number() over (order by id) as place, sum(bytes) over (order by id) as bytes_so_far,
        count(*) over () as looked_at
      from (select id, lines, bytes from outbox order by id limit $1) as oldest) as measured
    where bytes_so_far <= $2 or place = 1
    order by id`,
}
const DELETE_ROWS = { name: 'delete', text: 'delete from outbox where id = any($1::bigint[])' }

async function openSession({ service, dbUrl }: RelayOptions): Promise<LeaderSession> {
  const client = new Client({
    connectionString: dbUrl,
    application_name: `${service}-relay`,
    connectionTimeoutMillis: 2_000,
    query_timeout: 6_000,
    keepAlive: true,
    options: serverOptions([
      'statement_timeout=5000',
      `idle_session_timeout=${IDLE_SESSION_TIMEOUT_MS}`,
      // A server that crashes may forget what was deleted last: that is sent again then, as after a crash of ours, and
      // inboxes drop it. Orders that are being accepted no longer wait for the disk twice as often (accept-relay: 5 to 10 %).
      'synchronous_commit=off',
      ...PLANNED_ONCE,
    ]),
  })
  // The next query fails too and says so; without a listener a restarted server would end the process.
  client.on('error', () => undefined)
  await client.connect()
  return {
    async keptAlive(work) {
      const ping = setInterval(() => void client.query('select 1').catch(() => undefined), PING_MS)
      try {
        await work()
      } finally {
        clearInterval(ping)
      }
    },
    async tryLock() {
      const { rows } = await client.query<{ leads: boolean }>('select pg_try_advisory_lock($1) as leads', [LEADER_LOCK])
      return rows[0]?.leads === true
    },
    async oldestRows(max) {
      const { rows } = await client.query<WaitingRow & { looked_at: string }>(OLDEST_ROWS, [max, BATCH_BYTES])
      const lookedAt = Number(rows[0]?.looked_at ?? 0)
      return { rows, isFull: rows.length < lookedAt || lookedAt === max }
    },
    async deleteRows(ids) {
      await client.query(DELETE_ROWS, [ids])
    },
    async [Symbol.asyncDispose]() {
      await Promise.race([client.end().catch(() => undefined), sleep(1_000)])
    },
  }
}

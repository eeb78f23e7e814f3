import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import type { Logger } from '@timesale/telemetry/logger'
import { counter, gauge, type Registry } from '@timesale/telemetry/metrics'
import { rotated } from './brokers.ts'
import { headerBytes, type StoredHeader } from './headers.ts'
import { OrderedProducer, type OutgoingRecord } from './producer.ts'

export interface RelayOptions {
  readonly service: string
  readonly dbUrl: string
  readonly brokers: readonly string[]
  readonly logger: Logger
  readonly registry: Registry
}

const BATCH_ROWS = 500
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
      const rows = await session.oldestRows(this.#rowsMax)
      if (rows.length === 0) {
        this.#state = 'leading'
        await this.#pause(POLL_MS)
        continue
      }
      await session.keptAlive(() => producer.send(rows.map(toRecord)))
      await session.deleteRows(rows.map((row) => row.id))
      this.#state = 'leading'
      onProgress()
      this.#rowsMax = Math.min(this.#rowsMax * 2, BATCH_ROWS)
      for (const row of rows) this.#published.inc({ topic: row.topic })
    }
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

interface OutboxRow {
  readonly id: string
  readonly topic: string
  readonly key: string | null
  readonly headers: string
  readonly value: string | null
  readonly raw: Buffer | null
}

function toRecord(row: OutboxRow): OutgoingRecord {
  return {
    topic: row.topic,
    key: row.key === null ? null : Buffer.from(row.key, 'utf8'),
    value: row.raw ?? (row.value === null ? null : Buffer.from(row.value, 'utf8')),
    headers: (JSON.parse(row.headers) as StoredHeader[]).map(headerBytes),
  }
}

interface LeaderSession extends AsyncDisposable {
  /** While nothing else is said on the session; a process that is paused keeps nothing alive. */
  keptAlive(work: () => Promise<void>): Promise<void>
  tryLock(): Promise<boolean>
  /** At most so many, and no more than one batch may hold; at least one where there is any. */
  oldestRows(max: number): Promise<OutboxRow[]>
  deleteRows(ids: readonly string[]): Promise<void>
}

async function openSession({ service, dbUrl }: RelayOptions): Promise<LeaderSession> {
  const client = new Client({
    connectionString: dbUrl,
    application_name: `${service}-relay`,
    connectionTimeoutMillis: 2_000,
    query_timeout: 6_000,
    keepAlive: true,
    options: `-c statement_timeout=5000 -c plan_cache_mode=force_custom_plan -c idle_session_timeout=${IDLE_SESSION_TIMEOUT_MS}`,
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
      // Measured by the server: rows that do not fit are not sent over for nothing.
      const { rows } = await client.query<OutboxRow>(
        `select id, topic, key, headers, value, raw
         from (
           select *, row_number() over (order by id) as place, sum(
             octet_length(headers) + coalesce(octet_length(key), 0) + coalesce(octet_length(value), 0)
             + coalesce(octet_length(raw), 0)) over (order by id) as bytes
           from (select * from outbox order by id limit $1) as oldest) as measured
         where bytes <= $2 or place = 1
         order by id`,
        [max, BATCH_BYTES],
      )
      return rows
    },
    async deleteRows(ids) {
      await client.query('delete from outbox where id = any($1::bigint[])', [ids])
    },
    async [Symbol.asyncDispose]() {
      await Promise.race([client.end().catch(() => undefined), sleep(1_000)])
    },
  }
}

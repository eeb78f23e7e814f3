import { setTimeout as sleep } from 'node:timers/promises'
import { EVENTS } from '@timesale/contracts/catalogue'
import type { EventDefinition } from '@timesale/contracts/event'
import { GROUPS, type Group } from '@timesale/contracts/topics'
import type { Database } from '@timesale/postgres/database'
import { calmLog, type Logger } from '@timesale/telemetry/logger'
import { counter, gauge, histogram, type Registry } from '@timesale/telemetry/metrics'
import { traceId } from '@timesale/telemetry/trace'
import { applyBatch, resumeParked, type Apply, type BatchDependencies, type EventOutcome } from './apply-batch.ts'
import { rotated } from './brokers.ts'
import { createDecoder, type RawRecord, type ReceivedEvent, type Undecodable } from './decode.ts'
import { runGroupSession } from './group-session.ts'

export interface ConsumerOptions {
  readonly group: Group
  /** The events this service does something with; others on its topics only move the version. */
  readonly uses: readonly EventDefinition[]
  readonly apply: Apply
  readonly db: Database
  readonly brokers: readonly string[]
  readonly instanceId: string | undefined
  readonly logger: Logger
  readonly registry: Registry
  /** Facts were committed to the outbox. */
  readonly onFacts: () => void
}

const STANDSTILL_MS = 60_000
const WATCH_EVERY_MS = 5_000
const RESUME_EVERY_MS = 10_000
const RESUME_RETRY_MS = 1_000
const REJOIN_BACKOFF_MAX_MS = 5_000
/** A session that hangs on a broker which answers nothing must not hold up the end of the process. */
const STOP_WITHIN_MS = 6_000
const RETRY_MIN_MS = 100
const RETRY_MAX_MS = 10_000

/**
 * A service's reader of its topics: joins the group, applies batches (apply-batch.ts), survives brokers and databases
 * that come and go. Errors of the world are retried in place for ever; a session that breaks is begun anew.
 * A watchdog ends a session that stands still for a minute, and the process when that did not help.
 */
export class TopicConsumer {
  readonly #options: ConsumerOptions
  readonly #topics: readonly string[]
  readonly #stop = new AbortController()
  readonly #batch: BatchDependencies
  readonly #batchSize
  readonly #fallbacks
  // Gathered over a batch: the registry costs a microsecond each time it is told something.
  readonly #outcomes = new Map<EventOutcome, number>()
  readonly #countOutcomes: () => void
  #lastApplied: Date | undefined
  #state: 'joined' | 'joining' | 'stopped' = 'stopped'
  #lastActivity = Date.now()
  #standstills = 0
  #sessions = 0
  #resumeAt = 0
  #done: Promise<void> | undefined

  constructor(options: ConsumerOptions) {
    this.#options = options
    this.#topics = GROUPS[options.group]
    const { registry, group } = options
    const outcomes = counter(registry, 'consumer_events_total', 'Events, by what became of them', ['group', 'outcome'])
    const age = gauge(registry, 'consumer_last_event_age_seconds', 'Age of the newest event when it was applied', [
      'group',
    ])
    this.#batchSize = histogram(
      registry,
      'consumer_batch_records',
      'Records a batch',
      ['group'],
      [1, 10, 50, 100, 500, 1000, 5000],
    )
    this.#fallbacks = counter(registry, 'consumer_offset_fallbacks_total', 'Partitions read from their beginning', [
      'group',
    ])
    const applied = calmLog(options.logger, 'event applied')
    this.#countOutcomes = () => {
      for (const [outcome, events] of this.#outcomes) outcomes.inc({ group, outcome }, events)
      this.#outcomes.clear()
      if (this.#lastApplied !== undefined) age.set({ group }, (Date.now() - this.#lastApplied.getTime()) / 1000)
      this.#lastApplied = undefined
    }
    this.#batch = {
      group,
      db: options.db,
      decode: createDecoder(
        EVENTS.filter(({ topic }) => this.#topics.includes(topic)),
        options.uses,
      ),
      apply: options.apply,
      onFacts: options.onFacts,
      onOutcome: (outcome, event, detail) => {
        this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1)
        if (outcome === 'applied' && 'type' in event) {
          this.#lastApplied = event.time
          applied(() => eventFields(event))
        } else if (outcome === 'parked' || outcome === 'dead-letter') {
          this.#complain(outcome, event, detail)
        }
      },
    }
  }

  get state(): 'joined' | 'joining' | 'stopped' {
    return this.#state
  }

  start(): void {
    this.#done = this.#run()
  }

  /** Finishes the running batch, commits offsets, leaves the group. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.race([this.#done, sleep(STOP_WITHIN_MS, undefined, { ref: false })])
    this.#state = 'stopped'
  }

  async #run(): Promise<void> {
    const { logger } = this.#options
    const signal = this.#stop.signal
    for (let failures = 0; !signal.aborted;) {
      this.#state = 'joining'
      const standstill = this.#watch()
      try {
        await Promise.race([
          this.#session(AbortSignal.any([signal, standstill.signal]), () => (failures = 0)),
          standstill.reached,
        ])
      } catch (error) {
        if (signal.aborted) break
        failures += 1
        const waitMs = Math.random() * Math.min(200 * 2 ** failures, REJOIN_BACKOFF_MAX_MS)
        logger.warn({ err: error, failures, waitMs }, 'consumer: the session broke; will join again')
        this.#state = 'joining'
        await sleep(waitMs, undefined, { signal }).catch(() => undefined)
      } finally {
        standstill.cancel()
      }
    }
  }

  async #session(signal: AbortSignal, onJoined: () => void): Promise<void> {
    const { group, brokers, instanceId, logger } = this.#options
    // Where the database does not answer, the first batch will find out, and wait.
    await this.#resumeWhenDue().catch(() => undefined)
    await runGroupSession({
      group,
      topics: this.#topics,
      brokers: rotated(brokers, this.#sessions++),
      instanceId,
      logger,
      signal,
      process: (records, superseded) => this.#process(records, superseded),
      onJoined: () => {
        this.#state = 'joined'
        onJoined()
      },
      // Also where no record comes any more that would remind us of those that wait.
      onIdle: () => this.#resumeWhenDue().catch(() => undefined),
      onActivity: () => this.#alive(),
      onFallback: (partitions, why) => {
        this.#fallbacks.inc({ group }, partitions)
        logger.warn({ partitions, why }, 'consumer: reading from the beginning of the log')
      },
    })
  }

  async #process(records: readonly RawRecord[], superseded: () => boolean): Promise<boolean> {
    this.#batchSize.observe({ group: this.#options.group }, records.length)
    for (let failures = 0; !superseded();) {
      try {
        await applyBatch(this.#batch, records).finally(this.#countOutcomes)
        await this.#resumeWhenDue()
        this.#alive()
        return true
      } catch (error) {
        // Not an event's fault: the database is away, a lock is held, another process was quicker. Never given up.
        failures += 1
        this.#alive()
        // It may have failed between filling a gap and resuming what waited behind it; tried again, it fills no gap.
        this.#resumeAt = 0
        const waitMs = RETRY_MIN_MS + Math.random() * Math.min(RETRY_MIN_MS * 2 ** failures, RETRY_MAX_MS)
        this.#options.logger.warn(
          { err: error, failures, waitMs, records: records.length },
          'consumer: will try the batch again',
        )
        await sleep(waitMs, undefined, { signal: this.#stop.signal }).catch(() => undefined)
      }
    }
    return false
  }

  // A crash between filling a gap and resuming what waited behind it leaves nothing else that would do it.
  async #resumeWhenDue(): Promise<void> {
    if (Date.now() < this.#resumeAt) return
    this.#resumeAt = Date.now() + RESUME_RETRY_MS
    await resumeParked(this.#batch).finally(this.#countOutcomes)
    this.#resumeAt = Date.now() + RESUME_EVERY_MS
  }

  #alive(): void {
    this.#lastActivity = Date.now()
    this.#standstills = 0
  }

  #watch(): { reached: Promise<never>; signal: AbortSignal; cancel: () => void } {
    const abandon = new AbortController()
    this.#lastActivity = Date.now()
    let timer: NodeJS.Timeout | undefined
    const reached = new Promise<never>((_resolve, reject) => {
      timer = setInterval(() => {
        if (Date.now() - this.#lastActivity < STANDSTILL_MS) return
        this.#standstills += 1
        this.#options.logger.error({ standstills: this.#standstills }, 'consumer: nothing has moved for a minute')
        // Once more without any progress in between: whatever holds us will not let go of this process.
        if (this.#standstills > 1) process.exit(1)
        abandon.abort()
        reject(new Error('The consumer stood still'))
      }, WATCH_EVERY_MS)
    })
    return { reached, signal: abandon.signal, cancel: () => clearInterval(timer) }
  }

  #complain(outcome: EventOutcome, event: ReceivedEvent | Undecodable, detail: string | undefined): void {
    const record = event.record
    const where = { topic: record.topic, partition: record.partition, offset: Number(record.offset) }
    const what = 'type' in event ? eventFields(event) : {}
    this.#options.logger.warn(
      { ...where, ...what, detail },
      outcome === 'parked' ? 'event parked' : 'record sent to the dead-letter topic',
    )
  }
}

function eventFields(event: ReceivedEvent): object {
  return { type: event.type, id: `${event.aggregateId}.${event.version}`, traceId: traceId(event.traceparent) }
}

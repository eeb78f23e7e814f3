import { setTimeout as sleep } from 'node:timers/promises'
import type { RawRecord } from '@timesale/kafka/decode'
import { runGroupSession } from '@timesale/kafka/group-session'
import { Database } from '@timesale/postgres/database'
import { createLogger } from '@timesale/telemetry/logger'
import { enterDone } from './ledger.ts'

// A consumer in a process of its own. Joins a group and leaves it when it is told to, works off what it reads at the pace that it is
// told, and says which partitions it reads. It ends when whoever started it is gone.

/** What it is started with. */
export interface Given {
  readonly name: string
  readonly brokers: string
  readonly postgresUrl: string
}

/**
 * `held`: nothing is worked off. `asking`: for each few records it asks somebody who takes his time, and commits what came of it to
 * the database. `committing`: the commit alone. `draining`: a commit for many.
 */
export type Pace = 'held' | 'asking' | 'committing' | 'draining'

export type Order =
  | { readonly join: { readonly topic: string; readonly group: string } }
  | { readonly leave: true }
  | { readonly pace: Pace }

/** `reading`: a partition of which it has worked off something for the first time since it joined. */
export type Told = 'ready' | 'joined' | 'left' | { readonly reading: number }

const BATCH = 5
const LARGE_BATCH = 1_000
// A timer and no server: with it the two cores would be asked for what another machine does.
const ANSWER_TAKES_MS = 10
const LOOK_EVERY_MS = 20
const JOIN_AGAIN_AFTER_MS = 200
const FAILURES_IN_PASSING = 3

const { name, brokers, postgresUrl } = JSON.parse(process.argv[2] ?? '{}') as Given
const db = new Database({ url: postgresUrl, poolSize: 1, applicationName: name })
const logger = createLogger({ service: name, level: 'warn' })
const reading = new Set<number>()
let pace: Pace = 'held'
let membership = new AbortController()

process.on('disconnect', () => process.exit(1))
process.on('message', (order: Order) => {
  if ('pace' in order) pace = order.pace
  else if ('leave' in order) membership.abort()
  else void belong(order.join)
})
await db.sql`select 1`
tell('ready')

async function belong({ topic, group }: { topic: string; group: string }): Promise<void> {
  membership = new AbortController()
  const { signal } = membership
  let failures = 0
  while (!signal.aborted) {
    try {
      await runGroupSession({
        ...{ group, topics: [topic], brokers: brokers.split(','), instanceId: undefined, logger, signal },
        process: workOff,
        onJoined() {
          failures = 0
          reading.clear()
          tell('joined')
        },
        onIdle: () => Promise.resolve(),
        onActivity: () => undefined,
        onFallback: () => undefined,
      })
    } catch (error) {
      // So many come and go at a time that a member may be overtaken while it joins; again and again it is a fault.
      failures += 1
      if (failures > FAILURES_IN_PASSING) logger.warn({ err: error, failures }, 'will join again')
      await sleep(JOIN_AGAIN_AFTER_MS)
    }
  }
  tell('left')
}

async function workOff(records: readonly RawRecord[], superseded: () => boolean): Promise<boolean> {
  for (let at = 0; at < records.length;) {
    while (isHeld() && !superseded()) await sleep(LOOK_EVERY_MS)
    if (superseded()) return false
    const batch = records.slice(at, at + (pace === 'draining' ? LARGE_BATCH : BATCH))
    if (pace === 'asking') await sleep(ANSWER_TAKES_MS)
    await enterDone(
      db.write,
      name,
      batch.map(({ key, value }) => ({ order: String(key), step: Number(String(value)) })),
    )
    at += batch.length
    if (superseded()) return false
    for (const { partition } of batch) tellReading(partition)
  }
  return true
}

function isHeld(): boolean {
  return pace === 'held'
}

function tellReading(partition: number): void {
  if (reading.has(partition)) return
  reading.add(partition)
  tell({ reading: partition })
}

function tell(told: Told): void {
  process.send?.(told)
}

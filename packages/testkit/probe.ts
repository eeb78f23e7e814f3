import { Writable } from 'node:stream'
import { fact } from '@timesale/contracts/event'
import { OrderCancelled, OrderConfirmed, OrderPlaced, type OrderAbout } from '@timesale/contracts/order-events'
import type { Apply } from '@timesale/kafka/apply-batch'
import { TopicConsumer } from '@timesale/kafka/consumer'
import type { ReceivedEvent } from '@timesale/kafka/decode'
import { Relay } from '@timesale/kafka/relay'
import { Database } from '@timesale/postgres/database'
import { createRegistry, type Registry } from '@timesale/telemetry/metrics'
import { pino } from 'pino'
import type { Infrastructure } from './infrastructure.ts'
import { recordOf, type TestRecord } from './records.ts'

/** The probe stands in for the notification service, which reads one topic. */
export const PROBE = { group: 'notification', topic: 'order-topic' } as const

export interface ProbeOptions {
  /** Written beside what it applies, to tell two of them apart. */
  readonly name?: string
  /** Before an event is written down: to wait, or to throw as a handler would. */
  readonly onEvent?: (event: ReceivedEvent) => void | Promise<void>
}

/** A consumer, with the relay of its database, that writes down each event it is given, as often as it is given it. */
export interface Probe extends AsyncDisposable {
  readonly consumer: TopicConsumer
  readonly registry: Registry
  /** What it has logged, newest last. */
  readonly log: readonly { readonly msg: string; readonly [field: string]: unknown }[]
  stop(): Promise<void>
}

export interface Effect {
  readonly orderId: string
  readonly version: number
  readonly probe: string
}

/** The table that a probe writes to. It has no unique key: what is applied twice must show. */
export async function makeProbeTable(infrastructure: Infrastructure): Promise<void> {
  const { sql } = infrastructure.admin(PROBE.group)
  await sql`
    create table probe_effects (
      seq bigint generated always as identity primary key,
      order_id text not null,
      version integer not null,
      probe text not null
    )`
  await sql`grant insert on probe_effects to notification_local`
}

/** In the order in which they were written. */
export function readEffects(infrastructure: Infrastructure): Promise<Effect[]> {
  return infrastructure.admin(PROBE.group).sql<Effect>`
    select order_id as "orderId", version, probe from probe_effects order by seq`
}

export function startProbe(infrastructure: Infrastructure, options: ProbeOptions = {}): Probe {
  const { name = 'probe', onEvent } = options
  const env = infrastructure.env(PROBE.group)
  const dbUrl = env['DB_URL'] ?? ''
  const log: Probe['log'][number][] = []
  const logger = pino({ level: 'info' }, linesOf(log))
  const registry = createRegistry(name)
  const db = new Database({ url: dbUrl, poolSize: 3, applicationName: name, onError: () => undefined })
  const relay = new Relay({ service: name, dbUrl, brokers: [infrastructure.brokers], logger, registry })
  const apply: Apply = async (tx, events) => {
    for (const event of events) await onEvent?.(event)
    await tx`
      insert into probe_effects (order_id, version, probe)
      select *, ${name} from unnest(
        ${events.map((event) => event.aggregateId)}::text[],
        ${events.map((event) => event.version)}::int[])`
    return []
  }
  const consumer = new TopicConsumer({
    group: PROBE.group,
    uses: [OrderPlaced, OrderConfirmed, OrderCancelled],
    apply,
    db,
    brokers: [infrastructure.brokers],
    instanceId: undefined,
    logger,
    registry,
    onFacts: () => relay.wake(),
  })
  relay.start()
  consumer.start()
  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> =>
    (stopped ??= (async () => {
      await consumer.stop()
      await relay.stop()
      await db.close()
    })())
  return { consumer, registry, log, stop, [Symbol.asyncDispose]: stop }
}

/** One fact about an order: version 1 places it, 2 confirms it, 3 cancels it. */
export function orderRecord(orderId: string, version: number, about: Partial<OrderAbout> = {}): TestRecord {
  const data = {
    orderId,
    buyerId: 'open',
    productId: 'A001',
    quantity: 2,
    unitPriceMinor: 1000,
    currency: 'KRW',
    ...about,
  }
  if (version === 1) return recordOf(fact(OrderPlaced, { aggregateId: orderId, version, data }))
  if (version === 2) return recordOf(fact(OrderConfirmed, { aggregateId: orderId, version, data }))
  return recordOf(fact(OrderCancelled, { aggregateId: orderId, version, data: { ...data, reason: 'buyer' } }))
}

function linesOf(log: Probe['log'][number][]): Writable {
  return new Writable({
    write(line, _encoding, done) {
      log.push(JSON.parse(String(line)) as Probe['log'][number])
      done()
    },
  })
}

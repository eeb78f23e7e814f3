import Type from 'typebox'
import { Compile } from 'typebox/compile'
import { Notice } from '@timesale/contracts/notification-api'
import { OrderView } from '@timesale/contracts/order-api'
import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import { GROUPS } from '@timesale/contracts/topics'
import { OrderTrace, ServiceTrace, TraceParams } from '@timesale/contracts/trace-api'
import type { HttpServer } from '@timesale/http/server'
import { rotated } from '@timesale/kafka/brokers'
import { within } from '@timesale/process/deadline'
import type { Logger } from '@timesale/telemetry/logger'
import type { Admission } from '../admission/admit.ts'
import { areAllThere, hopsOf, type TracedRecord, type TraceParts } from '../order-trace/hops.ts'
import { readRecords } from '../order-trace/read-records.ts'
import { UPSTREAMS, type UpstreamName } from '../routes.ts'
import type { InternalTokens } from '../tokens/internal-tokens.ts'
import { readPart, type Reader } from '../upstreams/read-part.ts'
import type { Upstream } from '../upstreams/upstream.ts'

export interface OrderTraceOptions {
  readonly admission: Admission
  readonly internalTokens: InternalTokens
  readonly upstreams: Readonly<Record<UpstreamName, Upstream>>
  readonly brokers: readonly string[]
  readonly logger: Logger
}

interface Asking extends OrderTraceOptions {
  /** How often Kafka has not answered: the next question begins at another broker. */
  readonly kafka: { failures: number }
}

type Missing = OrderTrace['missing'][number]

/** Who applies what is told of an order. A view keeps no inbox. */
const CONSUMERS = UPSTREAMS.filter((name) => readsOrders({ ...GROUPS }, name))
const PART_WITHIN_MS = 1_500
const RECORDS_WITHIN_MS = 3_000

const orderView = Compile(OrderView)
const serviceTrace = Compile(ServiceTrace)
const notices = Compile(Type.Array(Notice))

// GET /api/orders/:orderId/trace follows an order through every hop. The order alone must be there; what else could not be
// read is named. Reads a part of two topics, so it is for operators, who look at one order at a time.
export function orderTraceRoute(app: HttpServer, options: OrderTraceOptions): void {
  const kafka = { failures: 0 }
  app.get(
    '/api/orders/:orderId/trace',
    {
      schema: {
        summary: 'Each hop of an order: rows, records, inboxes',
        tags: ['order'],
        params: TraceParams,
        response: { 200: OrderTrace, '4xx': Problem, '5xx': Problem },
      },
      onRequest: options.admission.hookOf({ class: 'browse', token: 'required', role: 'operator' }),
    },
    async (request, reply) => {
      const trace = await follow({ ...options, kafka }, request, request.params.orderId)
      return reply.header('cache-control', 'no-store').send(trace)
    },
  )
}

async function follow(options: Asking, reader: Reader, orderId: string): Promise<OrderTrace> {
  const missing: Missing[] = []
  const ask = <Part>(
    upstream: UpstreamName,
    path: string,
    validator: Parameters<typeof readPart<Part>>[3]['validator'],
  ) =>
    readPart(options.upstreams[upstream], options.internalTokens, reader, {
      ...{ path, validator },
      deadline: performance.now() + PART_WITHIN_MS,
    })
  // One that reads of these topics what is of no order has no such page.
  const orMissing = async <Part>(
    part: string,
    asked: Promise<Part>,
    has?: 'may-not-have',
  ): Promise<Part | undefined> => {
    try {
      return await asked
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      if (has === 'may-not-have' && error.code === 'not-found') return undefined
      missing.push({ part, reason: error.code })
      return undefined
    }
  }
  // Whether there is such an order is known before anybody else is asked.
  const order = await ask('order', `/orders/${orderId}`, orderView)
  const [told, ...traces] = await Promise.all([
    orMissing('notification', ask('notification', `/notices?orderId=${orderId}`, notices)),
    ...CONSUMERS.map((name) => orMissing(name, ask(name, `/trace/${orderId}`, serviceTrace), 'may-not-have')),
  ])
  const services = Object.fromEntries(CONSUMERS.map((name, index) => [name, traces[index]]))
  const known = { order, notices: told, services }
  const records = await recordsOf(options, known, missing)
  return { orderId, status: order.status, hops: hopsOf({ ...known, records }), missing: distinct(missing) }
}

async function recordsOf(
  { brokers, kafka, logger }: Asking,
  known: Omit<TraceParts, 'records'>,
  missing: Missing[],
): Promise<TracedRecord[]> {
  const { orderId, history } = known.order
  try {
    const reading = readRecords(rotated(brokers, kafka.failures), orderId, {
      placedAt: new Date(history[0]?.at ?? 0),
      isEnough: (found) => areAllThere(known, found),
      deadline: performance.now() + RECORDS_WITHIN_MS,
    })
    const late = (): Error => new Error(`Kafka did not answer within ${RECORDS_WITHIN_MS} ms`)
    const records = await within(2 * RECORDS_WITHIN_MS, reading, late)
    // Not sent yet, or further on in the log than could be read in this time.
    if (!areAllThere(known, records)) missing.push({ part: 'records', reason: 'not-found' })
    return records
  } catch (error) {
    kafka.failures += 1
    logger.warn({ err: error, orderId }, 'trace: the records could not be read')
    missing.push({ part: 'records', reason: 'upstream-unavailable' })
    return []
  }
}

function readsOrders(groups: Readonly<Record<string, readonly string[]>>, name: string): boolean {
  return groups[name]?.some((topic) => topic === 'order-topic' || topic === 'stock-topic') ?? false
}

function distinct(missing: readonly Missing[]): Missing[] {
  return [...new Map(missing.map((one) => [`${one.part} ${one.reason}`, one])).values()]
}

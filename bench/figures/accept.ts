import { connect } from 'node:net'
import { once } from 'node:events'
import { servicePorts, startInfrastructure, type Infrastructure } from '@timesale/testkit/infrastructure'
import { Offsets } from '@timesale/testkit/offsets'
import { until } from '@timesale/testkit/until'
import { authorizationsOf } from '../access-tokens.ts'
import { startBarePages } from '../bare-pages.ts'
import { sampleBare, type SampleLength } from '../bare.ts'
import { track } from '../cleanup.ts'
import { expectCounts, WorkMissing } from '../counted.ts'
import { cpuUs } from '../cpu-time.ts'
import { ACCOUNTS, CountedInMemory, startGateway } from '../gateway.ts'
import { acceptedOf, startLoad, type LoadResult } from '../generator/load.ts'
import { orderIdPrefix, productId } from '../generator/order-request.ts'
import { measureRounds, type Progress, type Samples, type Side } from '../measure.ts'
import { startProgram } from '../program.ts'
import { pauseRelay } from '../relay-pause.ts'
import { adminUrlOf, outboxIsEmpty, startService, type Server } from '../service.ts'

const PRODUCTS = 1_000
const TOPIC = 'order-topic'
// The relay needs a few seconds for what gathered while it was paused.
const DRAINED_WITHIN_MS = 120_000
const MARKS_AT_LEAST = 0.9
/** Of the orders of a load, by the end of its sample, where the relay sends meanwhile. */
const SENT_AT_LEAST = 0.1
const THROUGH_GATEWAY = { target: { method: 'POST', path: '/api/orders' } } as const

/** How many orders a second are accepted, in what company. */
interface Variant {
  readonly connections: number
  readonly relay: 'paused' | 'sending'
  readonly redis: boolean
  /** The service itself, or the one that has a transaction for each order. */
  readonly server: 'service' | 'one-by-one'
  /** Straight to the server, or by the gateway, for somebody who is logged in. */
  readonly by?: 'gateway'
}

const PLAIN = { relay: 'paused', redis: false, server: 'service' } as const
const VARIANTS: Readonly<Record<string, Variant>> = {
  'accept-64': { ...PLAIN, connections: 64 },
  'accept-256': { ...PLAIN, connections: 256 },
  'accept-gateway': { ...PLAIN, connections: 256, by: 'gateway' },
  'one-by-one-256': { ...PLAIN, connections: 256, server: 'one-by-one' },
  'accept-relay-64': { ...PLAIN, connections: 64, relay: 'sending' },
  'accept-relay-256': { ...PLAIN, connections: 256, relay: 'sending' },
  'accept-redis-64': { ...PLAIN, connections: 64, redis: true },
  'accept-redis-256': { ...PLAIN, connections: 256, redis: true },
}

/** Everything about accepting orders: the real order service, on a real database, broker and Redis. */
export async function measureAccept(
  asked: ReadonlySet<string>,
  rounds: number,
  length: SampleLength,
  progress: Progress,
): Promise<Samples> {
  progress.say('starting PostgreSQL, Kafka and Redis')
  await using servers = await track(startInfrastructure({ databases: ['order'], kafka: true, redis: true }))
  await putProductsOnSale(servers)
  const sides: Side[] = [64, 256].map((connections) => ({
    name: `bare-${connections}`,
    run: async () => {
      const { perSecond, cpuUs: generatorUs } = await sampleBare(connections, PRODUCTS, length)
      progress.say(`the generator took ${generatorUs.toFixed(1)} us of CPU a request`)
      return perSecond
    },
  }))
  for (const [name, variant] of Object.entries(VARIANTS)) {
    sides.push({ name, run: () => sampleAccept(name, variant, { servers, length, progress }) })
  }
  return await measureRounds(
    sides.filter(({ name }) => asked.has(name)),
    rounds,
    progress,
  )
}

interface Surroundings {
  readonly servers: Infrastructure
  readonly length: SampleLength
  readonly progress: Progress
}

async function sampleAccept(
  name: string,
  variant: Variant,
  { servers, length, progress }: Surroundings,
): Promise<number> {
  const { sql } = servers.admin('order')
  await emptyTables(servers)
  await using offsets = new Offsets(servers.brokers)
  const recordsBefore = await offsets.count(TOPIC)
  await using service = await startOrderService(servers, variant)
  const pause = variant.relay === 'paused' ? await track(pauseRelay(adminUrlOf(servers, 'order'))) : undefined
  await using server = variant.server === 'service' ? service : await startOneByOne(servers)
  await using gateway = variant.by === 'gateway' ? await startGatewayTo(servers, server) : undefined
  const inMemory = gateway === undefined ? undefined : new CountedInMemory(gateway)

  const { connections } = variant
  const sent = async (): Promise<number> => (await offsets.count(TOPIC)) - recordsBefore
  const on = { servers, length, progress, server, gateway, inMemory, connections, sent }
  const { result, sentMeanwhile } = await sampleLoad(name, on)
  const accepted = acceptedOf(result)
  expectSent(name, variant, sentMeanwhile, accepted)
  await pause?.[Symbol.asyncDispose]()
  await until('the outbox is empty', () => outboxIsEmpty(servers, 'order'), DRAINED_WITHIN_MS)
  const [rows] = await sql<{ orders: number; history: number; placed: number }>`
    select (select count(*)::int from orders) as orders,
      (select count(*)::int from order_history) as history,
      (select count(*)::int from orders where status = 'PLACED') as placed`
  expectCounts(name, {
    'rows in orders': [rows?.orders ?? 0, accepted],
    'orders that are PLACED': [rows?.placed ?? 0, accepted],
    'rows in order_history': [rows?.history ?? 0, accepted],
    'records on order-topic': [await sent(), accepted],
  })
  inMemory?.expectFew(name)
  if (variant.redis) await expectMarks(name, servers.redisUrl, accepted)
  return result.perSecond
}

async function sampleLoad(
  name: string,
  on: Surroundings & {
    readonly server: Server
    readonly gateway: Server | undefined
    readonly inMemory: CountedInMemory | undefined
    readonly connections: number
    /** Records that the relay has sent by now. */
    readonly sent: () => Promise<number>
  },
): Promise<{ result: LoadResult; sentMeanwhile: number }> {
  const { server, gateway, inMemory, connections, length, servers, progress, sent } = on
  const pids = { node: server.pid, postgres: servers.parts.get('postgres')?.pid ?? 0, gateway: gateway?.pid ?? 0 }
  await using load = await startLoad({
    ...{ port: gateway?.port ?? server.port, connections, ...length },
    ...{ idPrefix: orderIdPrefix(), products: PRODUCTS },
    ...(gateway === undefined ? {} : { ...THROUGH_GATEWAY, authorizations: await authorizationsOf(ACCOUNTS) }),
  })
  await load.warm
  await inMemory?.begin()
  const cpuNow = () => ({ node: cpuUs(pids.node), postgres: cpuUs(pids.postgres), gateway: cpuUs(pids.gateway) })
  const before = cpuNow()
  await load.sampled
  const after = cpuNow()
  const sentMeanwhile = await sent()
  const result = await load.result
  const orders = (result.perSecond * length.sampleMs) / 1000
  await inMemory?.end(orders)
  const us = (part: keyof typeof pids): string => ((after[part] - before[part]) / orders).toFixed(1)
  const { p50, p99 } = result.latencyMs
  const ofGateway = gateway === undefined ? '' : `${us('gateway')} in the gateway, `
  progress.say(
    `${name}: ${us('node')} us of CPU an order in the service, ${ofGateway}${us('postgres')} in PostgreSQL; p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms; ${sentMeanwhile} records sent meanwhile`,
  )
  return { result, sentMeanwhile }
}

// A figure with the relay would say nothing, had it only begun to send when the sample was over; nor one without it.
function expectSent(name: string, { relay }: Variant, sent: number, accepted: number): void {
  if (relay === 'paused') return expectCounts(name, { 'records sent while the relay is paused': [sent, 0] })
  if (sent < accepted * SENT_AT_LEAST)
    throw new WorkMissing(`${name} did not do its work: ${sent} of ${accepted} records were sent during the load`)
}

async function startOrderService(servers: Infrastructure, { redis }: Variant): Promise<Server> {
  const [nowhere] = await servicePorts(1)
  return await startService(servers, 'order', {
    // Without Redis: nobody listens there, and after three refusals it is asked once a second. That is a promise that
    // is rejected at once for each flush, and no round trip.
    ...(redis ? {} : { REDIS_URL: `redis://127.0.0.1:${nowhere}` }),
    // All that a sample accepts has to wait while the relay is paused. More than this is not counted.
    OUTBOX_CAP_EVENTS: '900000',
  })
}

async function startOneByOne(servers: Infrastructure): Promise<Server> {
  const [port] = await servicePorts(1)
  const dbUrl = servers.env('order')['DB_URL'] ?? ''
  const program = await startProgram<{ listening: true }>('one-by-one-server', [String(port), dbUrl])
  await program.next(({ listening }) => listening)
  return { pid: program.pid, port, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() }
}

/** What is not about orders is answered by a stand-in: the keys of tokens. */
async function startGatewayTo(servers: Infrastructure, order: Server): Promise<Server> {
  const others = await startBarePages('{}')
  try {
    const gateway = await startGateway(servers, { order: order.port, others: others.port })
    const end = async (): Promise<void> => {
      await gateway[Symbol.asyncDispose]()
      await others[Symbol.asyncDispose]()
    }
    return { pid: gateway.pid, port: gateway.port, [Symbol.asyncDispose]: end }
  } catch (error) {
    await others[Symbol.asyncDispose]()
    throw error
  }
}

async function putProductsOnSale(servers: Infrastructure): Promise<void> {
  await servers.admin('order').sql`
    insert into product_copies (product_id, unit_price_minor, currency, stocked)
    select product_id, 12900, 'KRW', true
    from unnest(${Array.from({ length: PRODUCTS }, (_, number) => productId(number))}::text[]) as product (product_id)`
}

/** Each sample begins like the first one: with empty tables, and no checkpoint about to come. */
async function emptyTables(servers: Infrastructure): Promise<void> {
  const { sql } = servers.admin('order')
  await sql`truncate orders, order_history`
  await sql`checkpoint`
}

/**
 * Marks are hints, set after the answer, and a few may come too late. Where many are missing Redis was left alone for a second
 * after three late answers, and what was measured then is the shop without it.
 */
async function expectMarks(name: string, redisUrl: string, accepted: number): Promise<void> {
  const marks = Number((await askRedis(redisUrl, 'DBSIZE')).replace(':', ''))
  await askRedis(redisUrl, 'FLUSHALL')
  if (marks < accepted * MARKS_AT_LEAST)
    throw new WorkMissing(`${name} did not do its work: ${marks} marks in Redis for ${accepted} orders`)
}

async function askRedis(redisUrl: string, command: string): Promise<string> {
  const { hostname, port } = new URL(redisUrl)
  const socket = connect({ host: hostname, port: Number(port) })
  try {
    socket.write(`${command}\r\n`)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    return answer.toString('latin1').trim()
  } finally {
    socket.destroy()
  }
}

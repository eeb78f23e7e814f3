import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import type { OrderStatus, OrderView } from '@timesale/contracts/order-api'
import { Refusal } from '@timesale/contracts/refusals'
import { ANONYMOUS } from '@timesale/identity/principal'
import { until } from '@timesale/testkit/until'
import type { EventSink, OrderStream, StreamAbout } from './order-stream.ts'
import { OrderStreams } from './order-streams.ts'

let streams: OrderStreams | undefined

afterEach(() => streams?.close())

test('an event that comes while the order is being read is not lost, and read of once more', async () => {
  const reads: PromiseWithResolvers<OrderView>[] = []
  const { enter, wake } = begin(() => nextOf(reads).promise)
  const stream = enter('o-1')
  // Before the first answer is there: nobody can be told yet.
  wake('o-1', 2)
  const told = follow(stream, orderAt('PLACED'))
  assert.equal(reads.length, 1)
  wake('o-1', 3)
  reads[0]?.resolve(orderAt('PLACED', 'PLACED'))
  await settled()
  assert.equal(reads.length, 2, 'at once, and not when it is asked from time to time')
  reads[1]?.resolve(orderAt('PLACED', 'PLACED', 'CONFIRMED'))
  await told.over
  assert.deepEqual(told.events, ['1 placed', '2 placed', '3 confirmed'])
})

test('an order that lags behind its topic is not read in a circle; what was told is not told again', async () => {
  let reads = 0
  const { enter, wake } = begin(async () => {
    reads += 1
    return orderAt('PLACED')
  })
  const told = follow(enter('o-1'), orderAt('PLACED'))
  wake('o-1', 1)
  wake('o-2', 9)
  assert.equal(reads, 0, 'it is known, or of another order')
  wake('o-1', 2)
  await settled()
  assert.equal(reads, 1)
  assert.deepEqual(told.events, ['1 placed'])
})

test('an order that is gone ends its stream; no other fault does', async () => {
  let fault = new Refusal('upstream-unavailable')
  const { enter, wake, list } = begin(() => Promise.reject(fault))
  const stream = enter('o-1')
  const told = follow(stream, orderAt('PLACED'))
  wake('o-1', 2)
  await settled()
  assert.equal(told.isOver(), false)
  fault = new Refusal('order-not-found')
  wake('o-1', 3)
  await told.over
  list.leave(stream)
  assert.equal(list.size, 0)
})

test('however many are woken, 50 orders are read at once', async () => {
  const reads: PromiseWithResolvers<OrderView>[] = []
  const { enter, wake } = begin(() => nextOf(reads).promise)
  const all = Array.from({ length: 200 }, (_, index) => follow(enter('o-1', `account-${index}`), orderAt('PLACED')))
  wake('o-1', 2)
  await settled()
  assert.equal(reads.length, 50)
  for (let index = 0; index < 200; index += 1) {
    await until('the next has its turn', () => index < reads.length)
    reads[index]?.resolve(orderAt('PLACED', 'CONFIRMED'))
  }
  await Promise.all(all.map(({ over }) => over))
  assert.ok(all.every(({ events }) => events.join() === '1 placed,2 confirmed'))
})

test('places are counted, by account and in all, and given back once', () => {
  let firsts = 0
  const { enter, list } = begin(
    () => Promise.reject(new Error('nobody asks')),
    30,
    () => (firsts += 1),
  )
  assert.equal(firsts, 0)
  const some = Array.from({ length: 20 }, () => enter('o-1', 'a'))
  assert.throws(() => enter('o-2', 'a'), { code: 'rate-limited' })
  Array.from({ length: 10 }, (_, index) => enter(`o-${index}`, 'b'))
  assert.throws(() => enter('o-1', 'c'), { code: 'overloaded' })
  const [first] = some
  assert.ok(first !== undefined)
  list.leave(first)
  list.leave(first)
  assert.equal(list.size, 29)
  enter('o-2', 'a')
  assert.throws(() => enter('o-2', 'a'), { code: 'rate-limited' })
  assert.equal(firsts, 1)
})

test('who comes while it closes is let in and sent on', async () => {
  const { enter, list } = begin(() => Promise.reject(new Error('nobody asks')))
  const before = follow(enter('o-1'), orderAt('PLACED'))
  list.close()
  const later = follow(enter('o-1'), orderAt('PLACED'))
  await Promise.all([before.over, later.over])
  assert.deepEqual([before.events, before.hints.length], [['1 placed'], 2])
  assert.deepEqual([later.events, later.hints.length], [[], 1])
  for (const hint of [...before.hints, ...later.hints]) assert.ok(hint >= 1_000 && hint <= 3_000, `${hint}`)
})

function begin(
  readOrder: () => Promise<OrderView>,
  max = 1_000,
  onFirst: () => void = () => undefined,
): {
  list: OrderStreams
  enter: (orderId: string, accountId?: string) => OrderStream
  wake: (orderId: string, version: number) => void
} {
  const list = new OrderStreams({ max, readOrder, isRevoked: () => false, onFirst })
  streams = list
  const enter = (orderId: string, accountId = 'buyer-1'): OrderStream => list.enter(aboutOf(orderId, accountId))
  return { list, enter, wake: (orderId, version) => list.wake(orderId, version) }
}

function aboutOf(orderId: string, accountId: string): StreamAbout {
  const rest = { sessionId: 's', expiresAt: Date.now() + 60_000, traceparent: '' }
  return { orderId, accountId, principal: ANONYMOUS, ...rest }
}

function follow(
  stream: OrderStream,
  order: OrderView,
): { events: string[]; hints: number[]; over: Promise<void>; isOver: () => boolean } {
  const events: string[] = []
  const hints: number[] = []
  let isOver = false
  const sink: EventSink = {
    send: ({ id, event }) => events.push(`${id} ${event}`),
    hintRetry: (ms) => hints.push(ms),
  }
  const over = stream.run(sink, order, 0).then(() => {
    isOver = true
  })
  return { events, hints, over, isOver: () => isOver }
}

function orderAt(...statuses: OrderStatus[]): OrderView {
  const history = statuses.map((status, index) => ({
    ...{ version: index + 1, status, cause: 'test', at: '2026-01-01T00:00:00.000Z' },
  }))
  const status = statuses.at(-1) ?? 'PLACED'
  const about = { orderId: 'o-1', buyerId: 'buyer-1', productId: 'A001', quantity: 1 }
  return { ...about, unitPriceMinor: 1, currency: 'KRW', status, history }
}

function nextOf(reads: PromiseWithResolvers<OrderView>[]): PromiseWithResolvers<OrderView> {
  const read = Promise.withResolvers<OrderView>()
  reads.push(read)
  return read
}

/** All that follows at once has happened. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

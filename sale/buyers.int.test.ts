import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { Buyers, type BuyersOptions } from './buyers.ts'

// A door that plays tricks which a real shop plays seldom, to see what buyers make of them.

test('buyers come at their time although nobody is answered', async () => {
  await using door = await openDoor(() => undefined)
  const buyers = new Buyers({
    ...door.usual,
    count: 50,
    ordersPerSecond: 500,
    connections: 2,
    patienceMs: 0,
    answerWithinMs: 400,
  })
  await until(() => buyers.figures.arrived === 50)
  const tookMs = Date.now() - buyers.beganAt
  await buyers.done()

  // A tenth of a second; ten, were they to wait for those before them.
  assert.ok(tookMs < 5_000, `they needed ${tookMs} ms`)
  assert.deepEqual(buyers.outcome().accepted, [])
  assert.deepEqual(buyers.outcome().turnedAway, [])
  assert.equal(buyers.figures.gaveUp, 50)
  assert.ok((buyers.figures.answerMs?.p50 ?? 0) >= 390, 'waiting in the queue counts')
})

test('latency counts from the moment a buyer was to come, also behind others', async () => {
  await using door = await openDoor((_order, reply) => void setTimeout(() => accept(_order, reply), 50))
  const buyers = new Buyers({ ...door.usual, count: 20, ordersPerSecond: 10_000, connections: 1 })
  await buyers.done()

  // The last of 20 waits for 19 others, 50 ms each.
  assert.ok((buyers.figures.answerMs?.max ?? 0) > 900)
})

test('an order is sent again, byte by byte the same, until somebody says what became of it', async () => {
  const bodies = new Map<string, string[]>()
  await using door = await openDoor((order, reply) => {
    const sent = [...(bodies.get(order.orderId) ?? []), order.body]
    bodies.set(order.orderId, sent)
    if (sent.length === 1) return problem(reply, 503, 'database-unavailable', { refused: true })
    if (sent.length === 2) return reply.socket?.destroy()
    if (sent.length === 3) return problem(reply, 503, 'outcome-unknown', { refused: false })
    return accept(order, reply)
  })
  const buyers = new Buyers({ ...door.usual, count: 10, ordersPerSecond: 1_000 })
  await buyers.done()

  assert.equal(buyers.outcome().accepted.length, 10)
  for (const sent of bodies.values()) assert.deepEqual([sent.length, new Set(sent).size], [4, 1])
  const { byClass, unavailable, overloaded, noAnswer } = buyers.figures
  assert.deepEqual([byClass, unavailable, overloaded, noAnswer], [{ ok: 10, fail: 10, info: 20 }, 20, 0, 10])
})

test('Retry-After is kept', async () => {
  const at: number[] = []
  await using door = await openDoor((order, reply) => {
    at.push(performance.now())
    return at.length === 1
      ? problem(reply, 503, 'overloaded', { refused: true, retryAfter: '1' })
      : accept(order, reply)
  })
  const buyers = new Buyers({ ...door.usual, count: 1 })
  await buyers.done()

  const [first = 0, second = 0] = at
  const { unavailable, overloaded } = buyers.figures
  assert.deepEqual([unavailable, overloaded], [1, 1])
  assert.ok(second - first >= 1_000 && second - first < 10_000, `${second - first} ms`)
})

test('who comes before a time sale begins is there when it does', async () => {
  // Whoever comes first comes too early, however slow the machine is.
  let opensAt: number | undefined
  const tries = new Map<string, number>()
  await using door = await openDoor((order, reply) => {
    tries.set(order.orderId, (tries.get(order.orderId) ?? 0) + 1)
    opensAt ??= Date.now() + 800
    const startsInMs = opensAt - Date.now()
    if (startsInMs <= 0) return accept(order, reply)
    return problem(reply, 409, 'sale-not-started', { refused: true, about: { startsInMs } })
  })
  const opening = { opensInMs: 800, early: 10 }
  const buyers = new Buyers({ ...door.usual, count: 12, ordersPerSecond: 1_000, opening })
  await buyers.done()

  const { accepted, tooEarly, unexpected } = buyers.figures
  assert.deepEqual([accepted, unexpected, buyers.outcome().turnedAway], [12, 0, []])
  assert.equal(
    tooEarly,
    [...tries.values()].reduce((sum, count) => sum + count - 1, 0),
  )
  assert.ok(tooEarly > 0)
  assert.deepEqual(
    [1, 10].map((number) => buyers.dueAt(number) - buyers.beganAt),
    [800, 800],
    'to wait for the sale is no latency of the shop',
  )
})

test('who wants more than one buyer may have is turned away for good, and nobody else', async () => {
  await using door = await openDoor((_order, reply) =>
    problem(reply, 409, 'buyer-limit', { refused: true, about: { limitPerBuyer: 2 } }),
  )
  const buyers = new Buyers({ ...door.usual, count: 40, ordersPerSecond: 1_000, limitPerBuyer: 2 })
  await buyers.done()
  const numbers = Array.from({ length: 40 }, (_none, index) => index + 1)
  const greedy = numbers.filter((number) => buyers.plan(number).quantity > 2)

  assert.ok(greedy.length > 0)
  assert.deepEqual(
    buyers.outcome().turnedAway,
    greedy.map((number) => `b-${number}`),
  )
  assert.deepEqual([buyers.figures.overLimit, buyers.figures.unexpected], [greedy.length, 40 - greedy.length])
  assert.match(buyers.unexpected[0] ?? '', /order b-\d+ was answered 409 buyer-limit/)
  assert.equal(buyers.lastSoldOutAt, undefined, 'nobody said that nothing is left')
})

test('that nothing was left is known of the moment at which a buyer asked, however late the answer', async () => {
  let heardAt = 0
  await using door = await openDoor((_order, reply) => {
    heardAt = Date.now()
    setTimeout(() => problem(reply, 409, 'sold-out', { refused: true }), 300)
  })
  const buyers = new Buyers({ ...door.usual, count: 1 })
  await buyers.done()

  const askedAt = buyers.lastSoldOutAt ?? Infinity
  assert.ok(askedAt >= buyers.beganAt && askedAt <= heardAt, `${askedAt}, and it was heard at ${heardAt}`)
})

test('through a gateway a token says who buys, and the body does not', async () => {
  const seen: unknown[] = []
  await using door = await openDoor((order, reply) => {
    seen.push([order.url, order.authorization, JSON.parse(order.body)])
    return accept(order, reply)
  })
  const [url = ''] = door.usual.urls
  const headersFor = (buyerId: string) => ({ authorization: `Bearer of-${buyerId}` })
  await new Buyers({ ...door.usual, urls: [`${url}/api/`], headersFor, count: 1 }).done()

  const [[path, token, body]] = seen as [[string, string, Record<string, unknown>]]
  assert.deepEqual([path, token], ['/api/orders', 'Bearer of-b-buyer-1'])
  assert.deepEqual(Object.keys(body), ['orderId', 'productId', 'quantity'])
})

test('who sends too much waits as long as the gateway says, and is counted', async () => {
  const at: number[] = []
  await using door = await openDoor((order, reply) => {
    at.push(performance.now())
    return at.length === 1
      ? problem(reply, 429, 'rate-limited', { refused: true, retryAfter: '1' })
      : accept(order, reply)
  })
  const buyers = new Buyers({ ...door.usual, count: 1 })
  await buyers.done()

  const [first = 0, second = 0] = at
  const { limited, unavailable, noAnswer, unexpected, accepted } = buyers.figures
  assert.deepEqual([limited, unavailable, noAnswer, unexpected, accepted], [1, 0, 0, 0, 1])
  assert.ok(second - first >= 1_000, `${second - first} ms`)
})

test('an order that others see, or its buyer does not, is remembered', async () => {
  const accounts = ['ann', 'bob']
  const tokens = { accounts, headersFor: (buyerId: string) => ({ authorization: buyerId }) }
  const sees = { own: true, others: false }
  await using door = await openDoor(({ url, authorization, ...order }, reply) => {
    if (order.body !== '') return accept({ ...order, url, authorization }, reply)
    // Orders are named after their number, and accounts take turns.
    const orderId = url.slice('/orders/'.length)
    const isOwn = authorization === accounts[(Number(orderId.split('-').at(-1)) - 1) % 2]
    if (isOwn ? !sees.own : !sees.others) return problem(reply, 404, 'order-not-found', { refused: false })
    reply.writeHead(200).end(`{"orderId":"${orderId}"}`)
  })
  const look = async (): Promise<Buyers> => {
    const buyers = new Buyers({ ...door.usual, ...tokens, mix: { ...door.usual.mix, look: 1 }, count: 4 })
    await buyers.done()
    return buyers
  }
  const { shown, hidden, exposed } = (await look()).figures
  assert.deepEqual([shown, hidden, exposed], [4, 4, 0])

  Object.assign(sees, { own: false, others: true })
  const wrong = await look()
  assert.deepEqual([wrong.figures.shown, wrong.figures.hidden, wrong.figures.exposed], [0, 0, 8])
  assert.match(wrong.exposed.join('\n'), /order b-1 is answered 404 to its buyer ann/)
  assert.match(wrong.exposed.join('\n'), /order b-1 is answered 200 to bob/)
})

test('a refusal behind an attempt without an answer says nothing of that attempt', async () => {
  let attempts = 0
  await using door = await openDoor((_order, reply) => {
    attempts += 1
    return attempts === 1 ? reply.socket?.destroy() : problem(reply, 409, 'sold-out', { refused: true })
  })
  const buyers = new Buyers({ ...door.usual, count: 1 })
  await buyers.done()
  const others = new Buyers({ ...door.usual, count: 3, name: 'others' })
  await others.done()

  assert.deepEqual(buyers.outcome().turnedAway, [])
  assert.deepEqual(others.outcome().turnedAway, ['others-1', 'others-2', 'others-3'])
})

test('what a shop must not answer is remembered', async () => {
  let answers = 0
  await using door = await openDoor((order, reply) => {
    answers += 1
    return reply.writeHead(202).end(`{"orderId":"${order.orderId}","status":"PLACED","answers":${answers}}`)
  })
  const mix = { repeat: 1, otherBody: 1, cancel: 1, doubleClick: 0 }
  const buyers = new Buyers({ ...door.usual, count: 2, mix })
  await buyers.done()

  const [repeat = '', reuse = ''] = buyers.unexpected.filter((text) => text.includes('b-1'))
  assert.match(repeat, /cancellation of order b-1 was answered 202|order b-1 was answered .* and then 202/)
  assert.match([repeat, reuse, ...buyers.unexpected].join('\n'), /another order under b-1 was answered 202/)
  assert.match(buyers.unexpected.join('\n'), /and then 202/)
})

interface Order {
  readonly orderId: string
  readonly body: string
  readonly url: string
  readonly authorization: string | undefined
}

type Answerer = (order: Order, reply: ServerResponse) => unknown

async function openDoor(answer: Answerer): Promise<AsyncDisposable & { usual: BuyersOptions }> {
  const server = createServer((request, reply) => {
    void read(request).then((body) => {
      const [, orderId = request.url ?? ''] = /"orderId":"([^"]+)"/.exec(body) ?? []
      answer({ orderId, body, url: request.url ?? '', authorization: request.headers.authorization }, reply)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const mix = { doubleClick: 0, repeat: 0, otherBody: 0, cancel: 0, greedy: 0, look: 0 }
  return {
    usual: { urls: [url], products: ['A'], ordersPerSecond: 100, name: 'b', mix },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function read(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const piece of request.setEncoding('utf8')) body += piece as string
  return body
}

function accept({ orderId }: Order, reply: ServerResponse): void {
  reply.writeHead(202, { 'content-type': 'application/json' }).end(`{"orderId":"${orderId}","status":"PLACED"}`)
}

function problem(
  reply: ServerResponse,
  status: number,
  code: string,
  { refused, retryAfter, about = {} }: { refused: boolean; retryAfter?: string; about?: object },
): void {
  reply.writeHead(status, retryAfter === undefined ? {} : { 'retry-after': retryAfter })
  reply.end(JSON.stringify({ code, ...about, ...(refused ? { accepted: false } : {}) }))
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
}

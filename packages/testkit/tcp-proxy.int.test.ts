import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { servicePorts, startInfrastructure, type Infrastructure } from './infrastructure.ts'
import { Offsets } from './offsets.ts'
import { orderTold } from './events.ts'
import { produce } from './records.ts'
import { commitOf, isProduce, kafkaRequests, openProxy, postgresRequests } from './tcp-proxy.ts'
import { until } from './until.ts'

test('bytes go through both ways and whole, however large', async () => {
  await using echo = await startEcho()
  await using proxy = await openProxy({ to: echo.port })
  const client = new TestClient(proxy.port)
  const sent = Buffer.alloc(5_000_000, 'timesale')
  client.socket.write(sent)
  await until('all of it is back', () => client.received.length >= sent.length)
  assert.ok(client.received.equals(sent))
  client.socket.end()
  await until('both ends are closed', () => client.ended !== undefined && proxy.open === 0 && echo.open() === 0)
  assert.equal(client.ended, 'fin')
  assert.equal(proxy.accepted, 1)
  assert.ok(proxy.port < 32_768)
})

test('latency delays each piece in its direction, jitter changes no order, and both end with heal', async () => {
  await using echo = await startEcho()
  await using proxy = await openProxy({ to: echo.port })
  const client = new TestClient(proxy.port)
  await client.ask('warm')
  proxy.slow({ latencyMs: 150 }, { direction: 'up' })
  assert.ok((await client.ask('up')) >= 150)
  proxy.slow({ latencyMs: 150 })
  assert.ok((await client.ask('both')) >= 300)

  proxy.slow({ latencyMs: 0, jitterMs: 30 })
  const before = client.received.length
  const numbers = Array.from({ length: 200 }, (_, index) => `${index},`)
  for (const number of numbers) {
    client.socket.write(number)
    await sleep(0)
  }
  await until('all are back', () => client.received.length === before + numbers.join('').length)
  assert.equal(client.received.subarray(before).toString(), numbers.join(''))

  await proxy.heal()
  await until('it is quick again', async () => (await client.ask('healed')) < 100)
})

test('a fault for new connections leaves open ones alone, and one for open connections new ones', async () => {
  await using echo = await startEcho()
  await using proxy = await openProxy({ to: echo.port })
  const first = new TestClient(proxy.port)
  await first.ask('open')
  proxy.slow({ latencyMs: 300 }, { connections: 'new' })
  const second = new TestClient(proxy.port)
  assert.ok((await second.ask('slow')) >= 600)
  await until('the first is quick', async () => (await first.ask('quick')) < 300)

  await proxy.heal()
  proxy.blackHole({ connections: 'open' })
  first.socket.write('lost')
  await until('it is swallowed', () => proxy.swallowed === 4)
  await new TestClient(proxy.port).ask('a new one is served')
})

test('no more bytes a second get through than are allowed', async () => {
  await using echo = await startEcho()
  await using proxy = await openProxy({ to: echo.port })
  const client = new TestClient(proxy.port)
  await client.ask('warm')
  proxy.slow({ bytesPerSecond: 100_000 }, { direction: 'down' })
  const asked = performance.now()
  await client.ask('x'.repeat(60_000))
  const ms = performance.now() - asked
  assert.ok(ms >= 550, `60,000 bytes took ${ms} ms`)
})

test('a black hole accepts and swallows, answers nothing, and hears nothing of an end', async () => {
  await using echo = await startEcho()
  await using proxy = await openProxy({ to: echo.port })
  const client = new TestClient(proxy.port)
  await client.ask('served')
  proxy.blackHole()
  const second = new TestClient(proxy.port)
  client.socket.write('lost')
  second.socket.write('lost too')
  await until('it is swallowed', () => proxy.swallowed === 12)
  client.socket.end()
  await sleep(100)
  assert.equal(client.received.toString(), 'served')
  assert.equal(second.received.length, 0)
  assert.deepEqual([client.ended, second.ended], [undefined, undefined])
  assert.equal(echo.open(), 2, 'the server has not heard that one has gone')

  await proxy.heal()
  second.socket.write('still lost')
  await until('what was in it stays in it', () => proxy.swallowed === 22)
  await new TestClient(proxy.port).ask('new ones are served')
})

test('a black hole one way swallows that way only', async () => {
  await using echo = await startEcho()
  await using proxy = await openProxy({ to: echo.port })
  const client = new TestClient(proxy.port)
  await client.ask('served')
  proxy.blackHole({ direction: 'down' })
  client.socket.write('heard')
  await until('the server has heard it', () => echo.heard().endsWith('heard'))
  await until('its answer is swallowed', () => proxy.swallowed === 5)
})

test('a cut ends connections with a FIN, a reset with a RST, on both sides, and new ones are served', async () => {
  await using echo = await startEcho()
  await using proxy = await openProxy({ to: echo.port })
  for (const [fault, end] of [
    ['cut', 'fin'],
    ['reset', 'rst'],
  ] as const) {
    const client = new TestClient(proxy.port)
    await client.ask('served')
    proxy[fault]()
    await until('both ends are closed', () => client.ended !== undefined && proxy.open === 0 && echo.open() === 0)
    assert.equal(client.ended, end)
    assert.equal(echo.lastEnd(), end)
  }
})

test('while it refuses, open connections go on and new ones are refused, until it is healed', async () => {
  await using echo = await startEcho()
  await using proxy = await openProxy({ to: echo.port })
  const client = new TestClient(proxy.port)
  await client.ask('served')
  proxy.refuse()
  const refused = new TestClient(proxy.port)
  await until('it is refused', () => refused.ended === 'ECONNREFUSED')
  await client.ask('goes on')
  await proxy.heal()
  await new TestClient(proxy.port).ask('served again')
})

test('a server that resets, and a client that does, are passed on as such', async () => {
  await using echo = await startEcho()
  await using proxy = await openProxy({ to: echo.port })
  const client = new TestClient(proxy.port)
  await client.ask('served')
  echo.resetAll()
  await until('the client is told', () => client.ended === 'rst')
  const second = new TestClient(proxy.port)
  await second.ask('served')
  second.socket.resetAndDestroy()
  await until('the server is told', () => echo.open() === 0)
  assert.equal(echo.lastEnd(), 'rst')
})

test('of one request the answer is dropped, and the connection with it; all others are answered', async () => {
  await using echo = await startEcho()
  await using proxy = await openProxy({ to: echo.port })
  const client = new TestClient(proxy.port)
  const other = new TestClient(proxy.port)
  const drop = proxy.dropAnswerTo((request) => request.includes('this one'))
  await Promise.all([client.ask('another'), other.ask('another')])
  assert.equal(drop.count, 0)
  client.socket.write('this one')
  await drop.dropped
  await until('the client lost its connection', () => client.ended === 'rst')
  assert.equal(client.received.toString(), 'another')
  assert.match(echo.heard(), /this one/)
  await other.ask('this one')
  assert.equal(drop.count, 1)
})

test('a COMMIT whose answer is dropped has taken effect, in a transaction and without one, sent in pieces or in one', async () => {
  const { sql } = infra.admin('order')
  const direct = infra.adminUrlOf('order')
  const texts = async (): Promise<string[]> =>
    (await sql<{ text: string }>`select text from said`).map(({ text }) => text)
  await using proxy = await openProxy({ to: Number(new URL(direct).port), requests: postgresRequests })
  const lost = async (text: string, work: (client: Client) => Promise<unknown>): Promise<void> => {
    const client = new Client({ connectionString: proxy.url(direct) })
    client.on('error', () => undefined)
    await client.connect()
    const drop = proxy.dropAnswerTo(commitOf(text))
    await assert.rejects(work(client))
    assert.equal(drop.count, 1)
    await client.end().catch(() => undefined)
    await until(`${text} is committed`, async () => (await texts()).includes(text))
  }
  await sql`create table said (text text)`
  await lost('transaction', async (client) => {
    await client.query('begin')
    await client.query('insert into said values ($1)', ['transaction'])
    await client.query('insert into said values ($1)', ['and more'])
    assert.deepEqual(await texts(), [])
    await client.query('commit')
  })
  await lost('alone', (client) => client.query('insert into said values ($1)', ['alone']))
  await lost('alone after others', async (client) => {
    await client.query('begin')
    await client.query('select 1')
    await client.query('commit')
    await client.query('insert into said values ($1)', ['alone after others'])
  })
  await lost('plain', (client) => client.query("begin; insert into said values ('plain'); commit"))
  await lost('slow', (client) => client.query("select pg_sleep(0.2); insert into said values ('slow')"))
})

test('a produce whose answer is dropped is on its topic', async () => {
  await using proxy = await openProxy({ to: infra.outsidePort, port: advertisedPort, requests: kafkaRequests })
  await using offsets = new Offsets(infra.brokers)
  const before = await offsets.count('order-topic')
  const drop = proxy.dropAnswerTo(isProduce)
  const record = orderTold('placed', { orderId: 'o-1', productId: 'A001', quantity: 1 })
  await produce(`127.0.0.1:${proxy.port}`, [record])
  assert.equal(drop.count, 1)
  // Once by the request whose answer was dropped, once by the second try of a client that does not count its batches.
  assert.equal((await offsets.count('order-topic')) - before, 2)
})

let infra: Infrastructure
let advertisedPort: number

before(async () => {
  ;[advertisedPort] = await servicePorts(1)
  infra = await startInfrastructure({ databases: ['order'], kafka: true, advertisedPort })
})

after(() => infra[Symbol.asyncDispose]())

/** A client that remembers what it received and how it ended: by FIN, by RST, or why it never began. */
class TestClient {
  readonly socket: Socket
  received = Buffer.alloc(0)
  ended: string | undefined

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.socket.on('data', (bytes) => {
      this.received = Buffer.concat([this.received, bytes])
    })
    this.socket.on('end', () => (this.ended = 'fin'))
    this.socket.on('error', (error: NodeJS.ErrnoException) => {
      this.ended = error.code === 'ECONNRESET' ? 'rst' : error.code
    })
  }

  /** Says it to a server that says the same: how long that took, in milliseconds. */
  async ask(text: string): Promise<number> {
    const length = this.received.length
    const asked = performance.now()
    this.socket.write(text)
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (this.received.length < length + text.length) return
        this.socket.off('data', look)
        resolve()
      }
      this.socket.on('data', look)
    })
    const ms = performance.now() - asked
    assert.equal(this.received.subarray(length).toString(), text)
    return ms
  }
}

interface Echo extends AsyncDisposable {
  readonly port: number
  open(): number
  heard(): string
  /** How the last connection ended from its side. */
  lastEnd(): string | undefined
  resetAll(): void
}

/** A server that says back whatever it hears. */
async function startEcho(): Promise<Echo> {
  const sockets = new Set<Socket>()
  let heard = ''
  let lastEnd: string | undefined
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('data', (bytes) => {
      heard += bytes.toString('latin1')
      socket.write(bytes)
    })
    socket.on('end', () => (lastEnd = 'fin'))
    socket.on('error', () => (lastEnd = 'rst'))
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    open: () => sockets.size,
    heard: () => heard,
    lastEnd: () => lastEnd,
    resetAll: () => {
      for (const socket of sockets) socket.resetAndDestroy()
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

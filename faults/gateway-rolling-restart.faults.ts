import assert from 'node:assert/strict'
import { Agent, request } from 'node:http'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServiceName } from '@timesale/local/shop/ports'
import { until } from '@timesale/testkit/until'
import { makePerson, openShop, type Person } from './people.ts'
import { startShop, type Shop } from './shop.ts'
import { settled, verdict } from '@timesale/verify/verdict'

// Each process of each service is restarted, never two of one service at once, while people come by way of two gateways:
// no request fails. They do what clients do. Half of them come by a load balancer, which asks /readyz and sends nobody
// to who is draining; for them nothing is excused. The others know two addresses: where no connection comes about, or one
// that was kept is closed before it brought a letter of the answer, they ask at the other one.

test('no request fails while every process is restarted, one instance after the other', async () => {
  const visitors = [true, false].flatMap((isBalanced) => [
    ...buyers.map(
      (person, index) => new Visitor(`buyer ${index}`, isBalanced, buying(person, `${index}-${isBalanced}`)),
    ),
    new Visitor('seller', isBalanced, selling(isBalanced ? 'product-2' : 'product-3')),
    new Visitor('operator', isBalanced, watching()),
    new Visitor('somebody who logs in', isBalanced, loggingIn()),
  ])
  const balancer = new Balancer()
  const lag = monitorEventLoopDelay()
  lag.enable()
  const standstills = new Standstills()
  for (const visitor of visitors) visitor.start(balancer)
  const enough = (count: number): Promise<unknown> => {
    const wanted = visitors.map(({ answered }) => answered + count)
    return until('all have been answered', () =>
      visitors.every(({ answered }, index) => answered >= (wanted[index] ?? 0)),
    )
  }
  await enough(10)
  for (const together of TOGETHER) await Promise.all(together.map((service) => restart(service)))
  await enough(10)
  await Promise.all(visitors.map((visitor) => visitor.stop()))
  await balancer.stop()
  standstills.stop()
  const busy = `This process itself was held up for ${Math.round(lag.max / 1e6)} ms: `
  const failures = visitors
    .flatMap((one) => one.failures)
    .filter((failure) => !standstills.hit(failure))
    .map(({ text }) => text)
  assert.equal(failures.length, 0, `${busy}${failures.join('\n')}`)
  for (const gateway of GATEWAYS) assert.ok((await shop.process(gateway).metric('http_request_seconds_count')) > 20)
  await settled(shop.books)
  assert.deepEqual(await verdict(shop.books, { accepted, turnedAway: [] }), [])
})

const GATEWAYS = ['gateway-1', 'gateway-2']
/** At once, to save time; of each one after the other. */
const TOGETHER: readonly (readonly ServiceName[])[] = [
  ['gateway'],
  ['order', 'account', 'notification'],
  ['storefront', 'product', 'stock'],
  ['seller', 'analytics', 'gateway'],
]
const PAUSE_MS = 250
const ANSWER_WITHIN_MS = 10_000
/** A gateway waits for three seconds, and for half of them where there is another instance to ask. */
const STANDSTILL_MS = 1_000

async function restart(service: ServiceName): Promise<void> {
  for (const name of [`${service}-1`, `${service}-2`]) {
    const one = shop.process(name)
    const ended = await one.end('SIGTERM')
    assert.equal(ended, 0, `${name} ended in order`)
    await one.start()
    await one.ready()
  }
}

interface Failure {
  /** Both by `performance.now()`. */
  readonly askedAt: number
  readonly endedAt: number
  readonly text: string
}

/** When this process, and with it the machine, stood still: whoever was being served then may have been given up. */
class Standstills {
  readonly #found: { readonly from: number; readonly to: number }[] = []
  readonly #timer: NodeJS.Timeout

  constructor() {
    let last = performance.now()
    this.#timer = setInterval(() => {
      const now = performance.now()
      if (now - last > STANDSTILL_MS) this.#found.push({ from: last, to: now })
      last = now
    }, 50)
  }

  hit({ askedAt, endedAt }: Failure): boolean {
    return this.#found.some(({ from, to }) => askedAt < to && endedAt > from)
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}

/** Which gateways say that they are ready, as a load balancer knows it. */
class Balancer {
  readonly #ready = new Set(GATEWAYS)
  readonly #looking: Promise<unknown>
  #stopped = false

  constructor() {
    this.#looking = Promise.all(GATEWAYS.map((name) => this.#look(name)))
  }

  /** Where nobody is ready, one of them has to do. */
  get ready(): readonly string[] {
    return this.#ready.size > 0 ? [...this.#ready] : GATEWAYS
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#looking
  }

  async #look(name: string): Promise<void> {
    const agent = new Agent()
    while (!this.#stopped) {
      const { status } = await ask(name, 'GET', '/readyz', undefined, undefined, agent)
      if (status === 200) this.#ready.add(name)
      else this.#ready.delete(name)
      await sleep(200)
    }
  }
}

interface Said {
  readonly status: number
  readonly text: string
  /** Where there was no answer: whether no connection came about, or one that was kept was closed. */
  readonly isExcused: boolean
}

type Send = (method: string, path: string, person?: Person, body?: unknown) => Promise<Said>
/** One round of what somebody does. */
type Habit = (send: Send, round: number) => Promise<void>

class Visitor {
  answered = 0
  readonly failures: Failure[] = []
  readonly #name: string
  readonly #isBalanced: boolean
  readonly #habit: Habit
  readonly #agent = new Agent({ keepAlive: true })
  #turn = 0
  #running: Promise<void> | undefined
  #stopped = false

  constructor(name: string, isBalanced: boolean, habit: Habit) {
    this.#name = name
    this.#isBalanced = isBalanced
    this.#habit = habit
  }

  start(balancer: Balancer): void {
    this.#running = this.#visit(balancer)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
    this.#agent.destroy()
  }

  async #visit(balancer: Balancer): Promise<void> {
    const send: Send = (method, path, person, body) => this.#send(balancer, method, path, person, body)
    for (let round = 1; !this.#stopped; round += 1) {
      const askedAt = performance.now()
      try {
        await this.#habit(send, round)
      } catch (error) {
        this.failures.push({ askedAt, endedAt: performance.now(), text: `${this.#name}: ${String(error)}` })
      }
      await sleep(PAUSE_MS)
    }
  }

  async #send(balancer: Balancer, method: string, path: string, person?: Person, body?: unknown): Promise<Said> {
    const about = `${this.#isBalanced ? 'balanced' : 'plain'} ${this.#name} ${method} ${path}`
    for (let attempt = 1; ; attempt += 1) {
      this.#turn += 1
      const doors = this.#isBalanced ? balancer.ready : GATEWAYS
      const door = doors[this.#turn % doors.length] ?? ''
      const askedAt = performance.now()
      const said = await ask(door, method, `/api${path}`, person, body, this.#agent)
      if (said.isExcused && !this.#isBalanced && attempt < 4) continue
      this.answered += 1
      if (said.status < 200 || said.status > 299) {
        const text = `${new Date().toISOString()} ${about} by ${door}: ${said.status} ${said.text}`
        this.failures.push({ askedAt, endedAt: performance.now(), text })
      }
      return said
    }
  }
}

function ask(
  door: string,
  method: string,
  path: string,
  person: Person | undefined,
  body: unknown,
  agent: Agent,
): Promise<Said> {
  return new Promise((resolve) => {
    const text = body === undefined ? undefined : JSON.stringify(body)
    const headers = {
      ...person?.headers,
      ...(text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
    }
    const asked = request(`${shop.process(door).url}${path}`, { method, headers, agent, timeout: ANSWER_WITHIN_MS })
    asked.on('timeout', () => asked.destroy(new Error('no answer in time')))
    asked.on('error', (error: NodeJS.ErrnoException) => {
      // Refused, or reset where the door was closed while we stood in the queue before it: nothing was sent yet.
      const isNotConnected = error.syscall === 'connect'
      const isExcused = isNotConnected || (error.code === 'ECONNRESET' && asked.reusedSocket)
      resolve({ status: 0, text: `${error.code ?? ''} ${error.message}`, isExcused })
    })
    asked.on('response', (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('error', (error) => resolve({ status: 0, text: `broke off: ${error.message}`, isExcused: false }))
      answer.on('end', () => {
        resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8'), isExcused: false })
      })
    })
    asked.end(text)
  })
}

/** Orders, looks at the page of the product and at what was ordered. */
function buying(person: Person, name: string): Habit {
  return async (send, round) => {
    const orderId = `order-${name}-${round}`
    const placed = await send('POST', '/orders', person, { orderId, productId: 'product-1', quantity: 1 })
    if (placed.status === 202) accepted.push(orderId)
    await send('GET', '/products/product-1')
    await send('GET', '/me/orders', person)
    if (placed.status === 202) await send('GET', `/orders/${orderId}`, person)
  }
}

/** Begins and ends time sales. */
function selling(productId: string): Habit {
  return async (send, round) => {
    const sale = {
      ...{ saleId: `${productId}-${round}`, priceMinor: 900, units: 1 },
      ...{ startsAt: '2099-01-01T00:00:00Z', endsAt: '2099-01-02T00:00:00Z' },
    }
    await send('PUT', `/products/${productId}/sale`, seller, sale)
    await send('GET', '/shops', seller)
    await send('GET', `/shops/shop-1`)
    await send('DELETE', `/products/${productId}/sale`, seller)
  }
}

/** Looks at everything that an operator may see. */
function watching(): Habit {
  return async (send) => {
    await send('GET', '/sales', operator)
    await send('GET', '/stock/product-1', operator)
    await send('GET', '/notices?orderId=first-of-product-1', operator)
    await send('GET', '/settings', operator)
  }
}

function loggingIn(): Habit {
  return async (send) => {
    // An account has a hundred sessions, and the next one ends the oldest: nobody else is this person.
    const { email, password } = forgetful
    await send('POST', '/account/log-in', undefined, { email, password })
    await send('GET', '/account/me', operator)
    await sleep(1_000)
  }
}

let shop: Shop
let buyers: Person[] = []
let seller: Person
let operator: Person
let forgetful: Person
const accepted: string[] = []

before(async () => {
  const many = Object.fromEntries(
    ['BROWSE', 'ORDERS', 'WRITE', 'ACCOUNT', 'CREDENTIALS'].map((name) => [`GATEWAY_LIMIT_${name}`, '1000000/1']),
  )
  const services = [...new Set(TOGETHER.flat())]
  shop = await startShop({
    processes: Object.fromEntries(services.map((name) => [name, 2])),
    // All share one server of PostgreSQL, which has a hundred connections for fourteen processes and those they follow.
    envOfAll: { DRAIN_MS: '3000', DB_POOL_SIZE: '2' },
    env: { gateway: many },
  })
  const people = ['ann', 'bob'].map((name) => makePerson(shop, name))
  ;[forgetful, seller, operator] = await Promise.all([
    makePerson(shop, 'forgetful'),
    makePerson(shop, 'seller', ['buyer', 'seller']),
    makePerson(shop, 'operator', ['buyer', 'operator']),
  ])
  buyers = await Promise.all(people)
  await openShop(shop, seller, { shopId: 'shop-1', productId: 'product-1', units: 100_000 })
  await openShop(shop, seller, { shopId: 'shop-2', productId: 'product-2', units: 100_000 })
  await openShop(shop, seller, { shopId: 'shop-3', productId: 'product-3', units: 100_000 })
})

after(() => shop?.[Symbol.asyncDispose]())

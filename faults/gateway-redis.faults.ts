import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { JWK } from 'jose'
import { createClient } from 'redis'
import { hintKeys } from '@timesale/redis/hint-keys'
import { REVOKED_SESSIONS_KEY } from '@timesale/redis/session-keys'
import { send, sendJson, type Answer } from '@timesale/testkit/http'
import { until } from '@timesale/testkit/until'
import { accessClaims, askPatiently, logIn, makePerson, readSigningKey, signAccess, type Person } from './people.ts'
import { Rush } from './rush.ts'
import { startShop, type Shop } from './shop.ts'

// Redis goes, hangs, forgets and lies while buyers buy by way of two gateways. It holds limits, ended sessions, hints and
// the pages of the storefront; so nobody may be let in or kept out because of it for longer than this.
const PROMISED_MS = 5_000
/** So long that whoever is kept out until it is over is seen, also where the machine is slow. */
const FAULT_MS = 2 * PROMISED_MS
const PRODUCTS = ['SCARCE', 'PLENTY-1', 'PLENTY-2']

for (const [what, fault] of [
  [
    'killed',
    async () => {
      await redisPart().kill()
      await sleep(FAULT_MS)
      await redisPart().start()
    },
  ],
  [
    'hung',
    async () => {
      redisPart().signal('SIGSTOP')
      await sleep(FAULT_MS)
      redisPart().signal('SIGCONT')
    },
  ],
  [
    'flushed',
    async () => {
      await redis.flushAll()
      await redis.scriptFlush()
    },
  ],
  [
    'lying about sessions',
    async () => {
      await redis.del(REVOKED_SESSIONS_KEY)
      const score = Date.now() + 15 * 60_000
      await redis.zAdd(
        REVOKED_SESSIONS_KEY,
        regulars.map(({ person }) => ({ value: person.sessionId, score })),
      )
    },
  ],
  [
    'lying about limits',
    async () => {
      for (const { person } of regulars) {
        for (const one of ['orders', 'browse']) {
          await redis.set(`timesale:limit:${one}:10:@${person.accountId}`, '1000000000', { EX: 3_600 })
        }
      }
    },
  ],
  [
    'lying about stock',
    async () => {
      const [row] = await shop.infrastructure.admin('order').sql<{ id: string }>`select id from installation`
      const keys = hintKeys(row?.id ?? '')
      for (const product of PRODUCTS) await redis.set(keys.stock(product), '999999999 0', { PX: 3_000 })
      await redis.set(keys.stock('PLENTY-1'), '999999999 0')
    },
  ],
] as const) {
  test(`Redis is ${what}: who may come in does, and who may not does not`, async () => {
    const name = what.replaceAll(' ', '-')
    const intruder = new Intruder(await endedSession())
    intruder.start()
    for (const one of regulars) one.start(name)
    const machine = new Machine()
    await until('all are served', () => regulars.every(({ served }) => served >= 3))
    await fault()
    // What was wrong would show until then, and what was put right has come right.
    await sleep(PROMISED_MS + 1_000)
    await Promise.all([intruder.stop(), machine.stop(), ...regulars.map((one) => one.stop())])
    for (const { longestGapMs, person, last } of regulars) {
      const about = `${person.email} was kept out for ${longestGapMs} ms, the machine for ${machine.longestGapMs} ms: ${last}`
      assert.ok(longestGapMs <= PROMISED_MS + machine.longestGapMs, about)
    }
    assert.deepEqual(intruder.letIn, [])
    // A gateway that answers nobody keeps nobody out.
    for (const [gateway, refused] of intruder.refused) assert.ok(refused > 20, `${gateway} said no ${refused} times`)
    await until('product pages are there again', async () => {
      const answers = await Promise.all(GATEWAYS.map((one) => send(`${shop.process(one).url}/api/products/PLENTY-1`)))
      return answers.every(({ status }) => status === 200)
    })
  })
}

test('a session that ends while Redis is away is out as soon as Redis is back', async () => {
  const person = await logIn(shop.process('gateway-1').url, robbed)
  const intruder = new Intruder(person)
  redisPart().signal('SIGSTOP')
  try {
    await logOut(person)
  } finally {
    redisPart().signal('SIGCONT')
  }
  await until('it is out', () => intruder.isOutEverywhere(), PROMISED_MS)
})

test('pages that were altered sell nothing at another price, and are right after they were built anew', async () => {
  const page = async (): Promise<Answer> => send(`${shop.process('gateway-1').url}/api/products/PLENTY-1`)
  const before = JSON.parse((await page()).text) as { priceMinor: number }
  assert.equal(before.priceMinor, 1_000)
  // Again and again: an order in the rush writes its page anew, and of two views one is being built.
  await until('an altered page is shown', async () => {
    for (const key of await redis.keys('timesale:view:*:shown:PLENTY-1')) {
      const stored = await redis.get(key)
      // Of two views one may just have gone.
      if (stored === null) continue
      await redis.set(key, stored.replace('"priceMinor":1000', '"priceMinor":1'), { condition: 'XX' })
    }
    return (await page()).text.includes('"priceMinor":1,')
  })
  const order = { orderId: 'at-the-altered-price', productId: 'PLENTY-1', quantity: 1 }
  const { headers } = robbed
  const orders = `${shop.process('gateway-1').url}/api/orders`
  const placed = await askPatiently(() => sendJson(orders, order, { headers }))
  assert.equal(placed.status, 202, placed.text)
  const seen = await askPatiently(() => send(`${orders}/${order.orderId}`, { headers }))
  assert.match(seen.text, /"unitPriceMinor":1000/)
  assert.equal((await sendJson(`${shop.process('storefront-1').url}/rebuild`, {})).status, 202)
  await until('the page is right', async () => {
    const answer = await page()
    return answer.status === 200 && (JSON.parse(answer.text) as typeof before).priceMinor === before.priceMinor
  })
})

test('all the time the sale went on, and the books balance', async () => {
  await rush.more(60)
  await rush.endsWell(
    1_000,
    regulars.flatMap(({ accepted }) => accepted),
  )
})

/** Somebody with a token who orders all the time, and goes to the other gateway each time. */
class Regular {
  readonly person: Person
  readonly accepted: string[] = []
  served = 0
  longestGapMs = 0
  /** The last answer that was no yes. */
  last = ''
  #lastYesAt = 0
  #running: Promise<void> | undefined
  #stopped = false

  constructor(person: Person) {
    this.person = person
  }

  start(name: string): void {
    Object.assign(this, { served: 0, longestGapMs: 0, last: '' })
    this.#stopped = false
    this.#lastYesAt = performance.now()
    this.#running = this.#order(name)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
    this.#yes()
  }

  async #order(name: string): Promise<void> {
    for (let number = 1; !this.#stopped; number += 1) {
      const orderId = `${name}-${this.person.accountId.slice(-12)}-${number}`
      const url = `${shop.process(GATEWAYS[number % 2] ?? '').url}/api/orders`
      const order = { orderId, productId: 'PLENTY-1', quantity: 1 }
      const placed = await patiently(() => sendJson(url, order, this.person))
      if (placed.status !== 202) this.last = `POST ${placed.status} ${placed.text}`
      else {
        this.accepted.push(orderId)
        // Served is who can also see what was ordered.
        const seen = await patiently(() => send(`${url}/${orderId}`, this.person))
        if (seen.status === 200) this.#yes()
        else this.last = `GET ${seen.status} ${seen.text}`
      }
      await sleep(300)
    }
  }

  #yes(): void {
    const now = performance.now()
    this.served += 1
    this.longestGapMs = Math.max(this.longestGapMs, Math.round(now - this.#lastYesAt))
    this.#lastYesAt = now
  }
}

/**
 * How long nobody is served who asks all the time, and needs PostgreSQL and neither Redis nor a gateway: so long the machine
 * is to blame.
 */
class Machine {
  longestGapMs = 0
  readonly #running: Promise<void>
  #stopped = false

  constructor() {
    this.#running = this.#look()
    // For whoever waits for its end.
    this.#running.catch(() => undefined)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
  }

  async #look(): Promise<void> {
    for (let servedAt = performance.now(); !this.#stopped; await sleep(100)) {
      assert.equal((await send(`${shop.process('product-1').url}/products/PLENTY-1`)).status, 200)
      const now = performance.now()
      this.longestGapMs = Math.max(this.longestGapMs, Math.round(now - servedAt))
      servedAt = now
    }
  }
}

/** Somebody whose session was ended, who tries all the time. */
class Intruder {
  /** How often each gateway has told him to log in. */
  readonly refused = new Map(GATEWAYS.map((gateway) => [gateway, 0]))
  readonly letIn: string[] = []
  readonly #person: Person
  #running: Promise<void> | undefined
  #stopped = false

  constructor(person: Person) {
    this.#person = person
  }

  async isOutEverywhere(): Promise<boolean> {
    const answers = await Promise.all(GATEWAYS.map((one) => this.#try(one)))
    return answers.every(({ status }) => status === 401)
  }

  start(): void {
    this.#running = this.#tryAll()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
  }

  async #tryAll(): Promise<void> {
    while (!this.#stopped) {
      for (const gateway of GATEWAYS) {
        const { status, text } = await this.#try(gateway)
        if (status === 401) this.refused.set(gateway, (this.refused.get(gateway) ?? 0) + 1)
        else if (![0, 429, 502, 503, 504].includes(status)) this.letIn.push(`${gateway} ${status} ${text}`)
      }
      await sleep(50)
    }
  }

  #try(gateway: string): Promise<Answer> {
    return patiently(() => send(`${shop.process(gateway).url}/api/account/me`, this.#person))
  }
}

async function patiently(asking: () => Promise<Answer>): Promise<Answer> {
  try {
    return await asking()
  } catch (error) {
    return { status: 0, headers: {}, text: String(error) }
  }
}

/** One that both gateways have heard of. */
async function endedSession(): Promise<Person> {
  const person = await logIn(shop.process('gateway-1').url, robbed)
  await logOut(person)
  const asked = async (): Promise<number> =>
    Number(/cmdstat_zrange:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0)
  await until('it is told', async () => (await redis.zScore(REVOKED_SESSIONS_KEY, person.sessionId)) !== null)
  // Each of the two copies once a second, and may just be at it.
  const enough = (await asked()) + 6
  await until('the gateways have copied it', async () => (await asked()) >= enough)
  return person
}

async function logOut(person: Person): Promise<void> {
  const { refreshToken } = person
  const url = `${shop.process('gateway-1').url}/api/account/log-out`
  const answer = await askPatiently(() => sendJson(url, { refreshToken }, person))
  assert.equal(answer.status, 204, answer.text)
}

/** A token for whoever comes, made when they come first. */
function headersFor(buyerId: string): Readonly<Record<string, string>> {
  const known = tokens.get(buyerId) ?? { authorization: `Bearer ${signAccess(signingKey, accessClaims(buyerId))}` }
  tokens.set(buyerId, known)
  return known
}

function redisPart() {
  return shop.part('redis')
}

const GATEWAYS = ['gateway-1', 'gateway-2']
let shop: Shop
let regulars: Regular[] = []
/** Whose sessions are ended. */
let robbed: Person
let rush: Rush
let signingKey: JWK
const tokens = new Map<string, { authorization: string }>()
let redis: ReturnType<typeof createClient>

before(async () => {
  shop = await startShop({
    processes: { gateway: 2, account: 1, storefront: 1 },
    // Who may not come in shall hear that, and not that he tries too often.
    env: { gateway: { GATEWAY_LIMIT_CREDENTIALS: '100/1', GATEWAY_LIMIT_ACCOUNT: '100000/1' } },
  })
  for (const [productId, units] of [
    ['SCARCE', 300],
    ['PLENTY-1', 1_000_000],
    ['PLENTY-2', 1_000_000],
  ] as const) {
    await shop.putOnSale(productId, units)
  }
  const people = await Promise.all(['ann', 'bob', 'cleo', 'dan'].map((name) => makePerson(shop, name)))
  regulars = people.map((person) => new Regular(person))
  redis = createClient({ url: shop.infrastructure.redisUrl, pingInterval: 1_000 })
  redis.on('error', () => undefined)
  await redis.connect()
  robbed = await makePerson(shop, 'eve')
  signingKey = await readSigningKey(shop)
  rush = new Rush(shop, { name: 'rush', ordersPerSecond: 40, products: PRODUCTS, at: GATEWAYS, headersFor })
})

after(async () => {
  await rush?.[Symbol.asyncDispose]()
  redis?.destroy()
  await shop?.[Symbol.asyncDispose]()
})

import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { after, before, test } from 'node:test'
import { exportJWK, SignJWT } from 'jose'
import type { UpstreamsView } from '@timesale/contracts/gateway-api'
import type { Role } from '@timesale/contracts/roles'
import { TEST_GATEWAY } from '@timesale/testkit/gateway-key'
import { send, sendJson } from '@timesale/testkit/http'
import { servicePorts, startInfrastructure, type Infrastructure } from '@timesale/testkit/infrastructure'
import { until } from '@timesale/testkit/until'
import { startGateway } from './app.ts'
import { readConfig } from './config.ts'
import { UPSTREAMS } from './routes.ts'
import { startStandIn, type StandIn } from './upstreams/stand-in.ts'

// Two processes of the real order service behind the gateway, and buyers who go on ordering whatever happens to them.

test('one after the other is restarted: each order is accepted, once', async () => {
  const { answers, stop } = buy('restart')
  for (const index of [0, 1]) {
    const seen = answers.length
    const gone = once(orders[index] ?? assert.fail(), 'exit')
    orders[index]?.kill('SIGTERM')
    await gone
    await until('the other one serves', () => answers.length > seen + 50)
    await startOrder(index)
  }
  await stop()
  await assertAllAccepted('restart', answers)
})

test('one is killed: what it had not answered is asked of the other, and each order is accepted once', async () => {
  const { answers, stop } = buy('kill')
  for (const index of [0, 1]) {
    const seen = answers.length
    await until('both serve', async () => answers.length > seen + 50 && (await areBothAsked()))
    const gone = once(orders[index] ?? assert.fail(), 'exit')
    orders[index]?.kill('SIGKILL')
    await gone
    await startOrder(index)
  }
  await stop()
  await assertAllAccepted('kill', answers)
})

/** The gateway looks each second, and a breaker that opened in a fault is closed by one that is answered then. */
async function areBothAsked(): Promise<boolean> {
  const headers = { authorization: `Bearer ${await token('operator-1', 'operator')}` }
  const { text } = await send(`http://127.0.0.1:${gateway?.port}/api/upstreams`, { headers })
  const order = (JSON.parse(text) as UpstreamsView).upstreams.find(({ name }) => name === 'order')
  return order?.instances.every(({ ready, breaker }) => ready && breaker === 'closed') === true
}

interface Answered {
  readonly orderId: string
  readonly status: number
  readonly text: string
}

const BUYERS = 6
/** Nothing here is about how fast a service starts. */
const START_WITHIN_MS = 120_000

/** Buyers who order one after the other, each order under an id of its own, until they are told to stop. */
function buy(name: string): { answers: Answered[]; stop: () => Promise<unknown> } {
  const answers: Answered[] = []
  const end = new AbortController()
  const buyers = Array.from({ length: BUYERS }, async (_, buyer) => {
    const headers = { authorization: `Bearer ${await token(`buyer-${buyer}`)}` }
    for (let count = 0; !end.signal.aborted; count += 1) {
      const orderId = `${name}-${buyer}-${count}`
      const body = { orderId, productId: 'A001', quantity: 1 }
      const { status, text } = await sendJson(`http://127.0.0.1:${gateway?.port}/api/orders`, body, { headers })
      answers.push({ orderId, status, text })
    }
  })
  return {
    answers,
    stop: () => {
      end.abort()
      return Promise.all(buyers)
    },
  }
}

async function assertAllAccepted(name: string, answers: readonly Answered[]): Promise<void> {
  assert.deepEqual(
    answers.filter(({ status }) => status !== 202),
    [],
  )
  const rows = await infra().admin('order').sql<{ orderId: string }>`
    select order_id as "orderId" from orders where order_id like ${`${name}-%`}`
  assert.deepEqual(rows.map(({ orderId }) => orderId).sort(), answers.map(({ orderId }) => orderId).sort())
}

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const orders: ChildProcess[] = []
let ports: readonly [number, number] = [0, 0]
let infrastructure: Infrastructure | undefined
let account: StandIn | undefined
let gateway: Awaited<ReturnType<typeof startGateway>> | undefined

before(async () => {
  infrastructure = await startInfrastructure({ databases: ['order'], kafka: true, redis: true })
  await infra().admin('order').sql`
    insert into product_copies (product_id, unit_price_minor, currency, stocked) values ('A001', 12900, 'KRW', true)`
  const [accountPort, nobody, first, second] = await servicePorts(4)
  ports = [first, second]
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'account-1' }]
  account = await startStandIn(accountPort, { aside: () => ({ keys }) })
  await Promise.all([startOrder(0), startOrder(1)])
  const urls = UPSTREAMS.map((name) => [`GATEWAY_${name.toUpperCase()}_URLS`, `http://127.0.0.1:${nobody}`])
  const config = readConfig(
    infra().env('gateway', {
      ...Object.fromEntries(urls),
      GATEWAY_SIGNING_KEY: TEST_GATEWAY.signingKey,
      GATEWAY_LIMIT_ORDERS: '100000/10',
      GATEWAY_ACCOUNT_URLS: account.url,
      GATEWAY_ORDER_URLS: ports.map((port) => `http://127.0.0.1:${port}`).join(),
    }),
  )
  gateway = await startGateway(config)
  const there = `http://127.0.0.1:${gateway.port}/readyz`
  await until('the gateway knows the keys', async () => (await send(there)).text.includes('"ready"'))
})

after(async () => {
  await gateway?.stop()
  for (const order of orders) order.kill('SIGKILL')
  await account?.stop()
  await infrastructure?.[Symbol.asyncDispose]()
})

async function startOrder(index: number): Promise<void> {
  const port = String(ports[index])
  // As long as a service drains by itself: the gateway looks each second.
  const env = infra().env('order', {
    HTTP_PORT: port,
    DRAIN_MS: '3000',
    AUTH_MODE: 'token',
    PATH: process.env['PATH'] ?? '',
  })
  const main = fileURLToPath(new URL('../order/main.ts', import.meta.url))
  orders[index] = spawn(process.execPath, [main], { env, stdio: 'inherit' })
  const isReady = async (): Promise<boolean> => (await send(`http://127.0.0.1:${port}/readyz`)).status === 200
  await until('the order service is ready', isReady, START_WITHIN_MS)
}

function infra(): Infrastructure {
  assert.ok(infrastructure !== undefined)
  return infrastructure
}

function token(accountId: string, role: Role = 'buyer'): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  return new SignJWT({ roles: [role], sid: `session-of-${accountId}` })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: 'account-1' })
    .setIssuer('timesale-account')
    .setAudience('timesale')
    .setSubject(accountId)
    .setJti(crypto.randomUUID())
    .setIssuedAt(now)
    .setExpirationTime(now + 900)
    .sign(privateKey)
}

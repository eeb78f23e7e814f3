import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { after, before, test } from 'node:test'
import type { SessionTokens } from '@timesale/contracts/account-api'
import type { Limits } from '@timesale/contracts/settings'
import { TEST_GATEWAY } from '@timesale/testkit/gateway-key'
import { send, sendJson } from '@timesale/testkit/http'
import { servicePorts, startInfrastructure, type Infrastructure } from '@timesale/testkit/infrastructure'
import { until } from '@timesale/testkit/until'
import { startGateway } from '../app.ts'
import { readConfig } from '../config.ts'
import { UPSTREAMS } from '../routes.ts'

// The real account service, where an operator sets limits, and two gateways that hear of it.

test('a limit that an operator sets is counted by at once, by every gateway', async () => {
  assert.equal(await policyOf(0), '"browse";q=600;w=10')
  await set({ browse: { points: 40, seconds: 3_600 } })
  await obeyed('"browse";q=40;w=3600')

  await bothRefuse()
})

test('a longer wait ends when the operator says so, and what is left out is as the gateway was started', async () => {
  await set({ browse: { points: 40, seconds: 3_600 } })
  await obeyed('"browse";q=40;w=3600')
  await bothRefuse()
  await set({ browse: { points: 41, seconds: 5 } })
  await obeyed('"browse";q=41;w=5')
  assert.notEqual(await browse(0), 429)

  await set({})
  await obeyed('"browse";q=600;w=10')
})

test('without Kafka the last word stays', async () => {
  await set({ browse: { points: 500, seconds: 7 } })
  await obeyed('"browse";q=500;w=7')
  await infra().parts.get('kafka-1')?.kill()
  assert.equal(await policyOf(0), '"browse";q=500;w=7')
  const late = await startGateway(readConfig(env))
  gateways.push(late)
  assert.equal(await policyOf(2), '"browse";q=600;w=10')

  await infra().parts.get('kafka-1')?.start()
  await until('the late one hears of it', async () => (await policyOf(2)).endsWith('w=7'))
})

/** Two seconds are promised of a machine that has nothing else to do. */
const WITHIN_MS = 6_000
/** Nothing here is about how fast a service starts. */
const START_WITHIN_MS = 120_000
const OPERATOR = { email: 'operator@example.com', password: 'correct horse battery' }
let env: NodeJS.ProcessEnv = {}
let infrastructure: Infrastructure | undefined
let account: ChildProcess | undefined
let authorization = ''
const gateways: Awaited<ReturnType<typeof startGateway>>[] = []

before(async () => {
  infrastructure = await startInfrastructure({ databases: ['account'], kafka: true, redis: true })
  const [accountPort, nobody] = await servicePorts(2)
  const accountUrl = `http://127.0.0.1:${accountPort}`
  account = spawn(process.execPath, [fileURLToPath(new URL('../../account/main.ts', import.meta.url))], {
    env: infra().env('account', {
      HTTP_PORT: String(accountPort),
      ACCOUNT_KEY_SECRET: Buffer.alloc(32, 7).toString('base64url'),
      PATH: process.env['PATH'] ?? '',
    }),
    stdio: 'inherit',
  })
  const isReady = async (): Promise<boolean> => (await send(`${accountUrl}/readyz`)).status === 200
  await until('the account service is ready', isReady, START_WITHIN_MS)
  const urls = UPSTREAMS.map((name) => [`GATEWAY_${name.toUpperCase()}_URLS`, `http://127.0.0.1:${nobody}`])
  env = infra().env('gateway', {
    ...Object.fromEntries(urls),
    GATEWAY_SIGNING_KEY: TEST_GATEWAY.signingKey,
    GATEWAY_ACCOUNT_URLS: accountUrl,
  })
  for (let count = 0; count < 2; count += 1) gateways.push(await startGateway(readConfig(env)))
  await until('both know the keys', async () => {
    const answers = await Promise.all([0, 1].map((gateway) => send(`${url(gateway)}/readyz`)))
    return answers.every(({ text }) => text.includes('"ready"'))
  })

  const made = { ...OPERATOR, name: 'Operator', roles: ['operator'] }
  assert.equal((await sendJson(`${accountUrl}/accounts/operator-1`, made, { method: 'PUT' })).status, 201)
  const tokens = await sendJson(`${url(0)}/api/account/log-in`, OPERATOR)
  authorization = `Bearer ${(JSON.parse(tokens.text) as SessionTokens).accessToken}`
})

after(async () => {
  await Promise.all(gateways.map((gateway) => gateway.stop()))
  account?.kill('SIGKILL')
  await infrastructure?.[Symbol.asyncDispose]()
})

async function set(limits: Limits): Promise<void> {
  const headers = { authorization }
  const answer = await sendJson(`${url(0)}/api/settings`, { ordersOpen: true, limits }, { method: 'PUT', headers })
  assert.equal(answer.status, 200, answer.text)
}

// Each in its memory, where Redis is slow.
async function bothRefuse(): Promise<void> {
  await until('both refuse', async () => (await browse(0)) === 429 && (await browse(1)) === 429)
}

async function obeyed(policy: string): Promise<void> {
  const isObeyed = async (): Promise<boolean> => {
    const all = await Promise.all([policyOf(0), policyOf(1)])
    return all.every((one) => one === policy)
  }
  await until(`both count by ${policy}`, isObeyed, WITHIN_MS)
}

/** What is said on each answer, also where it is 429. By account, so that it spends nothing of what the address has. */
async function policyOf(gateway: number): Promise<string> {
  const { headers } = await send(`${url(gateway)}/api/limits`, { headers: { authorization } })
  return headers['ratelimit-policy'] ?? ''
}

/** As somebody who is not logged in; answered 503 where the limit lets it through, since there is no storefront. */
async function browse(gateway: number): Promise<number> {
  return (await send(`${url(gateway)}/api/products`)).status
}

function url(gateway: number): string {
  return `http://127.0.0.1:${gateways[gateway]?.port}`
}

function infra(): Infrastructure {
  assert.ok(infrastructure !== undefined)
  return infrastructure
}

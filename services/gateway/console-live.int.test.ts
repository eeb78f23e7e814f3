import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { createClient } from 'redis'
import type { GroupLagView, LiveView } from '@timesale/contracts/console-api'
import type { ServiceTotals } from '@timesale/contracts/totals-api'
import { REVOKED_SESSIONS_KEY } from '@timesale/redis/session-keys'
import { productChanged } from '@timesale/testkit/events'
import { calledFor, TEST_GATEWAY } from '@timesale/testkit/gateway-key'
import { readProblem, send, sendJson } from '@timesale/testkit/http'
import { servicePorts, startInfrastructure, type Infrastructure, type TestPart } from '@timesale/testkit/infrastructure'
import { produce } from '@timesale/testkit/records'
import { until } from '@timesale/testkit/until'
import { ServiceProcess } from '../../faults/service-process.ts'
import { startGateway } from './app.ts'
import { readConfig } from './config.ts'
import { readLive, type LiveReader } from './console/live-reader.ts'
import { UPSTREAMS } from './routes.ts'
import { loggedInAs, STAND_IN_KEYS, type LoggedIn } from './tokens/stand-in-tokens.ts'
import { startStandIn, type StandIn } from './upstreams/stand-in.ts'

// Order and stock are real processes with a database server each, and so are Kafka and Redis. A stand-in is all others.

describe('the live view', () => {
  test('shows what is there, and counts orders by two ways', async () => {
    for (let count = 0; count < 20; count += 1) await place()
    const settled = await untilView('all are decided, and everybody has heard of it', (shown) => {
      const { orders, groups, outboxes } = shown
      const areTold =
        recordsOf(shown, 'order-topic') === 2 * placed && outboxes.every(({ outbox }) => outbox.rows === 0)
      const areHeard = ['order', 'stock'].every((group) => lagOf(groups, group)?.lagRecords === 0)
      return orders?.totals.confirmed === placed && areTold && areHeard
    })
    // Each number is up to a second old, and they are not read together: what is compared is what was read after that. On
    // a machine that does much else an answer may be late, which is not what is shown here.
    const names = ['gateway', 'order', 'stock', 'storefront', 'kafka-1', 'redis']
    const view = await untilView('all is read anew, and not long ago', (shown) => {
      const dated = [...datedOf(shown), ...shown.outboxes].map(({ asOf }) => asOf)
      const isNew = dated.every((asOf) => asOf > settled.at && Date.parse(shown.at) - Date.parse(asOf) < 5_000)
      return isNew && shown.redis.reachable && names.every((name) => partOf(shown, name) === 'running')
    })
    assert.equal(view.orders?.totals.accepted, placed)
    const { initial = 0, available, sold } = view.stock?.totals ?? {}
    assert.deepEqual([initial, available, sold], [1_000, 1_000 - placed, placed])
    assert.equal(recordsOf(view, 'order-topic'), 2 * placed)
    const stock = lagOf(view.groups, 'stock')
    assert.deepEqual([stock?.lagRecords, stock?.lagSeconds, stock?.drainSeconds], [0, 0, 0])
    assert.deepEqual(
      view.outboxes.map(({ outbox }) => [outbox.service, outbox.rows, outbox.oldestSeconds]),
      [
        ['order', 0, null],
        ['stock', 0, null],
      ],
    )
    assert.equal(view.rush?.last, null)
  })

  test('comes about once a second', async () => {
    const { length } = live().views()
    const began = performance.now()
    await until('ten more came', () => live().views().length >= length + 10)
    const seconds = (performance.now() - began) / 1000
    assert.ok(seconds > 7 && seconds < 20, `${seconds} s`)
  })

  test('says how old the oldest record is that a group has not worked off, and that it is behind', async () => {
    stock().pause()
    const began = Date.now()
    await place()
    const heard = await untilView('a record waits', ({ groups }) => (lagOf(groups, 'stock')?.lagRecords ?? 0) > 0)
    assert.equal(lagOf(heard.groups, 'stock')?.drainSeconds, null)
    // It was written after it was ordered, and before it was heard of; how long that took is the machine's affair.
    const heardAt = Date.parse(heard.groups?.asOf ?? '')
    const isOld = ({ groups }: LiveView): boolean => {
      const told = 1_000 * (lagOf(groups, 'stock')?.lagSeconds ?? 0)
      const now = Date.parse(groups?.asOf ?? '')
      return told > 11_000 && told >= now - heardAt - LOOK_MS && told <= now - began
    }
    await untilView('it is old, and as old as it is told', isOld)
    await happened('stock', false, /^The group stock is 1 record, 1\d s, behind\.$/)

    // Somebody who looks only now, by another gateway, has the time from the record itself.
    const other = await startGateway(readConfig(gatewayEnv()))
    try {
      await using reader = await readLive(`http://127.0.0.1:${other.port}`, await operator())
      await until('it is told here as well', () => reader.views().find(isOld))
    } finally {
      await other.stop()
    }

    stock().resume()
    // It was away for longer than its group waits for anybody, and has to join anew.
    await untilView('it has caught up', ({ groups }) => lagOf(groups, 'stock')?.lagRecords === 0, 60_000)
    await happened('stock', true, /^The group stock has caught up\.$/)
  })

  test('says when the books do not balance, and when they do again', async () => {
    await place()
    await untilView('all are decided', ({ orders }) => orders?.totals.confirmed === placed)
    const admin = infra().admin('order')
    const [taken] = await admin.sql<{ order_id: string }>`select order_id from orders limit 1`
    await admin.sql`create table away as select * from orders where order_id = ${taken?.order_id}`
    await admin.sql`delete from orders where order_id = ${taken?.order_id}`
    await happened('books', false, /^The orders do not add up: \d+ were accepted, and \d+ are there\.$/)
    const { orders } = await untilView('it is shown', (shown) => shown.orders?.totals.confirmed === placed - 1)
    assert.equal(orders?.totals.accepted, placed)
    await admin.sql`insert into orders select * from away`
    await happened('books', true, /^The orders add up again\.$/)
  })
})

describe('while something is away, all else is as fresh as before:', () => {
  for (const [what, away, back, part, ...gone] of [
    ['Kafka, killed', () => kafka().kill(), () => kafka().start(), 'kafka-1', 'topics', 'groups'],
    ['Kafka, hung', () => kafka().signal('SIGSTOP'), () => kafka().signal('SIGCONT'), 'kafka-1', 'topics', 'groups'],
    ['Redis, killed', () => redis().kill(), () => redis().start(), 'redis'],
    ['the database of order, killed', () => database().kill(), () => database().start(), undefined, 'orders'],
    ['the database of order, hung', () => database().signal('SIGSTOP'), () => database().signal('SIGCONT'), undefined],
    ['stock, killed', () => stock().end('SIGKILL'), () => stock().start(), 'stock', 'stock'],
    ['stock, hung', () => stock().pause(), () => stock().resume(), 'stock', 'stock'],
  ] as const) {
    test(what, async () => {
      await away()
      try {
        const others = (['topics', 'groups', 'orders', 'stock'] as const).filter(
          (name) => !gone.includes(name as never),
        )
        const view = await untilView(`${what}: it is shown`, (shown) => {
          const isPartDown = part === undefined || partOf(shown, part) !== 'running'
          return (
            gone.every((name) => shown[name] === null) && isPartDown && (part !== 'redis' || !shown.redis.reachable)
          )
        })
        const { length } = live().views()
        const began = performance.now()
        await until('five more came', () => live().views().length >= length + 5)
        assert.ok(performance.now() - began < 12_000, 'nobody waits for it')
        // A database that hangs takes its service along, and is not looked at here.
        const fresh = others.filter((one) => one !== 'orders' || !what.includes('database'))
        const isFresh = (later: LiveView): boolean =>
          fresh.every((name) => (later[name]?.asOf ?? '') > (view[name]?.asOf ?? ''))
        await until(`${fresh.join(', ')} are fresh`, () => live().views().slice(length).some(isFresh), 12_000)
      } finally {
        await back()
      }
      await untilView(
        `${what}: all is back`,
        ({ topics, groups, orders, stock: levels, redis: cache }) =>
          topics !== null && groups !== null && orders !== null && levels !== null && cache.reachable,
        60_000,
      )
    })
  }
})

describe('a stream', () => {
  test('ends when its token expires, and with its session', async () => {
    await using short = await readLive(url(), await operator({ seconds: 3 }))
    await using revoked = await readLive(url(), await operator({ sid: 'to-be-ended' }))
    await until('the token has expired', () => short.isOver())
    assert.equal(revoked.isOver(), false)
    const client = createClient({ url: infra().redisUrl })
    client.on('error', () => undefined)
    await client.connect()
    await client.zAdd(REVOKED_SESSIONS_KEY, { value: 'to-be-ended', score: Date.now() + 60_000 })
    await until('the session has ended', () => revoked.isOver())
    client.destroy()
  })

  test('goes on where it was for whoever comes back', async () => {
    await untilView('stock is there', (shown) => partOf(shown, 'stock') === 'running')
    await stock().end('SIGKILL')
    await happened('stock', false, /^stock is stopped\.$/)
    await stock().start()
    await happened('stock', true, /^stock is running\.$/)
    const [first, second] = live().happened()
    assert.ok(first !== undefined && second !== undefined)
    const headers = { ...(await operator()), 'last-event-id': String(first.id) }
    await using again = await readLive(url(), headers)
    await until('the next one is told', () => again.happened()[0]?.id === second.id)
    const wrong = await send(`${url()}/api/console/live`, { headers: { ...headers, 'last-event-id': 'x' } })
    assert.equal(readProblem(wrong).code, 'invalid-request')
  })

  test('ends with the gateway', async () => {
    const other = await startGateway(readConfig(gatewayEnv()))
    await using reader = await readLive(`http://127.0.0.1:${other.port}`, await operator())
    const stopped = other.stop()
    // A stream that was waited for would be cut off after five seconds.
    await until('it has ended', () => reader.isOver(), 4_000)
    await stopped
  })
})

describe('totals of a service', () => {
  test('are for operators', async () => {
    const there = `${order().url}/totals`
    assert.equal(readProblem(await send(there, { headers: await calledFor('kim', 'buyer') })).code, 'forbidden')
    assert.equal(readProblem(await send(there, { headers: await calledFor() })).code, 'unauthenticated')
    const answer = await send(there, { headers: await calledFor('root', 'operator') })
    const { outbox, counted } = JSON.parse(answer.text) as ServiceTotals
    assert.deepEqual([outbox?.rows, counted?.orders?.accepted], [0, placed])
  })
})

/** How long a look at Kafka may take. */
const LOOK_MS = 2_000
const NEVER = { asOf: '1970-01-01T00:00:00.000Z' }

let infrastructure: Infrastructure | undefined
let others: StandIn | undefined
let processes: { order: ServiceProcess; stock: ServiceProcess } | undefined
let gateway: Awaited<ReturnType<typeof startGateway>> | undefined
let reader: LiveReader | undefined
let folder: string | undefined
let placed = 0

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'timesale-console-live-'))
  infrastructure = await startInfrastructure({
    ...{ databases: ['order', 'stock'], serverEach: true, kafka: true, redis: true },
  })
  const [othersPort, orderPort, stockPort] = await servicePorts(3)
  others = await startStandIn(othersPort, {
    aside: (path) => (path === '/.well-known/jwks.json' ? STAND_IN_KEYS : undefined),
  })
  processes = { order: processOf('order', orderPort), stock: processOf('stock', stockPort) }
  await Promise.all([order().start(), stock().start()])
  await Promise.all([order().ready(), stock().ready()])
  await produce(infrastructure.brokers, [productChanged('A001')])
  await until('A001 can be ordered', async () => (await send(`${order().url}/orderable-products/A001`)).status === 200)
  gateway = await startGateway(readConfig(gatewayEnv()))
  await until('the keys are known', async () => {
    return (await send(`${url()}/api/upstreams`, { headers: await operator() })).status === 200
  })
})

beforeEach(async () => {
  if (reader?.isOver() !== false) reader = await readLive(url(), await operator())
})

after(async () => {
  await reader?.[Symbol.asyncDispose]()
  await gateway?.stop()
  await processes?.order.close()
  await processes?.stock.close()
  await others?.[Symbol.asyncDispose]()
  await infrastructure?.[Symbol.asyncDispose]()
  if (folder !== undefined) await rm(folder, { recursive: true, force: true })
})

function untilView(what: string, is: (view: LiveView) => boolean, withinMs?: number): Promise<LiveView> {
  const { length } = live().views()
  return until(what, () => live().views().slice(length).find(is), withinMs)
}

function happened(about: string, good: boolean, what: RegExp): Promise<boolean> {
  return until(`${what} is told`, () =>
    live()
      .happened()
      .some((one) => one.about === about && one.good === good && what.test(one.what.en)),
  )
}

function datedOf({ parts, topics, groups, orders, stock: levels }: LiveView): { asOf: string }[] {
  return [parts, topics, groups, orders, levels].map((part) => part ?? NEVER)
}

function recordsOf({ topics }: LiveView, topic: string): number | undefined {
  return topics?.list.find((one) => one.topic === topic)?.records
}

function lagOf(groups: LiveView['groups'], group: string): GroupLagView | undefined {
  return groups?.list.find((lag) => lag.group === group)
}

function partOf({ parts }: LiveView, part: string): string | undefined {
  return parts?.list.find(({ name }) => name === part)?.state
}

async function place(): Promise<void> {
  const body = { orderId: crypto.randomUUID(), productId: 'A001', quantity: 1 }
  const answer = await sendJson(`${order().url}/orders`, body)
  assert.equal(answer.status, 202, answer.text)
  placed += 1
}

function processOf(service: 'order' | 'stock', port: number): ServiceProcess {
  return new ServiceProcess({
    name: service,
    service,
    port,
    env: infra().env(service),
    logFile: join(folder ?? '', service),
  })
}

function gatewayEnv(): NodeJS.ProcessEnv {
  const urls = UPSTREAMS.map((name) => [`GATEWAY_${name.toUpperCase()}_URLS`, others?.url])
  return infra().env('gateway', {
    ...Object.fromEntries(urls),
    ...{ GATEWAY_ORDER_URLS: order().url, GATEWAY_STOCK_URLS: stock().url },
    GATEWAY_SIGNING_KEY: TEST_GATEWAY.signingKey,
  })
}

function operator(more: Partial<LoggedIn> = {}): Promise<{ authorization: string }> {
  return loggedInAs({ sub: 'root', roles: ['operator'], ...more })
}

function infra(): Infrastructure {
  assert.ok(infrastructure !== undefined)
  return infrastructure
}

function order(): ServiceProcess {
  assert.ok(processes !== undefined)
  return processes.order
}

function stock(): ServiceProcess {
  assert.ok(processes !== undefined)
  return processes.stock
}

function live(): LiveReader {
  assert.ok(reader !== undefined)
  return reader
}

function kafka(): TestPart {
  return partNamed('kafka-1')
}

function redis(): TestPart {
  return partNamed('redis')
}

function database(): TestPart {
  return partNamed('postgres-order')
}

function partNamed(name: string): TestPart {
  const part = infrastructure?.parts.get(name)
  assert.ok(part !== undefined)
  return part
}

function url(): string {
  assert.ok(gateway !== undefined)
  return `http://127.0.0.1:${gateway.port}`
}

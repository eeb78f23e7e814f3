import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Writable } from 'node:stream'
import { after, before, test } from 'node:test'
import { readJson, sendJson } from '@timesale/testkit/http'
import { readMetric } from '@timesale/testkit/metrics'
import { until } from '@timesale/testkit/until'
import { settled } from '@timesale/verify/verdict'
import { startLocalShop, type LocalShop } from './local-shop.ts'

// Documents that say what to type, word by word: what stands in their blocks is run by a shell, and has to do what the text says.

const ROOT = join(import.meta.dirname, '..')
const WITHIN_MS = 300_000

let shop: LocalShop

before(async () => {
  shop = await startLocalShop()
})

after(async () => {
  await shop?.[Symbol.asyncDispose]()
})

for (const { file, korean, blocks } of [
  { file: 'README.md', korean: 'README.ko.md', blocks: 7 },
  { file: 'docs/tour/from-older-guides.md', korean: 'docs/tour/from-older-guides.ko.md', blocks: 7 },
  { file: 'docs/tour/from-naive-to-timesale.md', korean: 'docs/tour/from-naive-to-timesale.ko.md', blocks: 9 },
  { file: 'samples/python/README.md', korean: 'samples/python/README.ko.md', blocks: 4 },
  { file: 'samples/new-consumer/README.md', korean: 'samples/new-consumer/README.ko.md', blocks: 1 },
]) {
  test(`both languages of ${file} have the same commands`, () => {
    assert.equal(blocksOf(korean).join('\n'), blocksOf(file).join('\n'))
    assert.equal(blocksOf(file).length, blocks)
  })
}

test('a seller puts a sale on, a buyer buys in time, is limited, and comes too late', async () => {
  const [logIn, putOn, buy, watch, page, limited, late] = await type(blocksOf('README.md'), atRest)

  assert.equal(logIn, '')
  const [shopMade, product] = answersIn(putOn)
  assert.equal(shopMade?.['shopId'], 'orchard')
  assert.equal(product?.['unitsOnSale'], 100)

  const [sale, early, inTime] = answersIn(buy)
  assert.equal(partOf(sale, 'sale')['saleId'], 'apples-tonight')
  assert.equal(early?.['code'], 'sale-not-started')
  assert.ok(Number(early?.['startsInMs']) > 0)
  assert.deepEqual(inTime, { orderId: 'walk-1', status: 'PLACED' })

  assert.match(watch ?? '', /event: placed\n/)
  assert.match(watch ?? '', /event: confirmed\n/)
  const [composed] = answersIn((watch ?? '').split('\n\n').at(-1))
  assert.equal(partOf(composed, 'order')['unitPriceMinor'], 9_900)
  assert.equal(partOf(composed, 'product')['productId'], 'apples')
  assert.equal(partOf(composed, 'shop')['shopId'], 'orchard')
  assert.deepEqual(composed?.['missing'], [])

  const [shown] = answersIn(page)
  assert.equal(shown?.['stockLeft'], 98)
  assert.equal(partOf(shown, 'sale')['unitsLeft'], 48)

  const [accepted, refused, limits] = answersIn(limited)
  assert.deepEqual(accepted, { orderId: 'walk-2', status: 'PLACED' })
  assert.deepEqual([refused?.['status'], refused?.['reason']], ['REJECTED', 'buyer-limit'])
  assert.ok(Array.isArray(limits?.['limits']))

  const [, ended] = answersIn(late)
  assert.equal(ended?.['code'], 'sale-ended')
  assert.ok(Number(ended?.['endedMsAgo']) > 0)
})

test('what older guides ask of Kafka is asked of it as it is today', async () => {
  const printed = await type(blocksOf('docs/tour/from-older-guides.md'))
  const [quorum = '', topics = '', , read = '', order = '', groups = '', deleted = ''] = printed

  assert.match(quorum, /LeaderId:\s+1\n/)
  assert.match(topics, /Created topic my-topic\./)
  assert.match(topics, /^exam-topic$[\s\S]*^my-topic$/m)
  assert.match(topics, /Topic: my-topic\s.*PartitionCount: 1\s+ReplicationFactor: 1\s/)
  assert.match(read, /^hello from the console$/m)
  assert.ok(order.includes('{"orderId":"older-1","status":"PLACED"}'), order)
  assert.match(order, /^[\w-]+\t\{.*"productId":.*\}$/m)
  assert.match(groups, /^stock +order-topic +\d/m)
  assert.match(groups, /^quickstart-events:0:1$/m)
  assert.match(groups, /retention\.ms=-1 /)
  assert.equal(printed.length, 7)
  assert.ok(!deleted.includes('Error'), deleted)
  assert.ok(!(await shop.run('kafka', 'topics')).includes('my-topic'))
})

test('Python writes and reads, dies of a record that is not JSON, and goes on where it is put aside', async (t) => {
  if (spawnSync('python3', ['-c', 'import ensurepip, venv']).status !== 0) {
    t.skip('there is no python3 here that can make a virtual environment')
    return
  }
  const [produced = '', naive = '', careful = '', ours = ''] = await type(blocksOf('samples/python/README.md'))

  assert.equal([...produced.matchAll(/^exam-topic, partition 0, offset \d+: \{"student"/gm)].length, 3)
  assert.match(naive, /kim has 91[\s\S]*it died\n[\s\S]*it died again\n$/)
  assert.ok(!naive.split('it died\n')[1]?.includes(' has '), naive)
  assert.match(careful, /kim has 91[\s\S]*lee has 78[\s\S]*kim has 85[\s\S]*put aside, JSONDecodeError/)
  assert.match(careful, /dlq-topic:exam-topic,dlq-partition:0,dlq-offset:\d+,dlq-error:JSONDecodeError/)
  assert.match(ours, /^oops$/m)
  assert.ok(ours.includes('{"orderId":"after-oops","status":"PLACED"}'), ours)
  // The one before has left its group, so nobody waits for it.
  const python = 'samples/python/.venv/bin/python samples/python'
  const [again = ''] = await type([`${python}/produce.py\n${python}/consume_carefully.py`])
  assert.match(again, /^offset \d+: kim has 91$/m)
})

test('one more consumer is added beside the shop, hears of all there was and of what comes, and of nothing twice', async () => {
  const [command = ''] = blocksOf('samples/new-consumer/README.md')
  const before = await shop.status()
  await order('loyal-1', 2)
  for (const round of [1, 2]) {
    const child = spawn('bash', ['-c', `exec ${onThisShop(command)}`], { cwd: ROOT, env: readersEnv(), stdio: 'pipe' })
    let printed = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text
    })
    const lastOf = (text: string) =>
      text
        .trimEnd()
        .split('\n')
        .findLast((line) => line.startsWith('loyal: '))
    try {
      await until('it has read what there was', () => Promise.resolve(lastOf(printed) === `loyal: ${round * 2} points`))
      await order(`loyal-${round + 1}`, 2)
      await until('it hears of the next one', () =>
        Promise.resolve(lastOf(printed) === `loyal: ${round * 2 + 2} points`),
      )
    } finally {
      child.kill('SIGINT')
      if (child.exitCode === null) await once(child, 'exit')
    }
    assert.equal(child.exitCode, 0)
  }
  const pids = (parts: typeof before) => parts.map(({ name, pid }) => `${name} ${pid}`)
  assert.deepEqual(pids(await shop.status()), pids(before), 'nothing of the shop was started anew')
})

// The last: it takes parts of the shop away.
test('on the walk from a naive shop to this one, what is taken away is missed where the text says so, and nowhere else', async () => {
  const blocks = blocksOf('docs/tour/from-naive-to-timesale.md')
  const [stockAway = '', keyed = '', kafkaAway = ''] = await type(blocks.slice(0, 3))

  assert.ok(stockAway.includes('{"orderId":"tour-1","status":"PLACED"}'), stockAway)
  assert.match(stockAway, /^Orders .*PLACED [1-9]/m)
  assert.match(stockAway, /Order tour-1 is /)
  assert.match(keyed, /^stock +order-topic +\d/m)
  assert.match(keyed, /ce_aggregateversion:\d+,.*\t[\w-]+\t\{.*"orderId":/)
  assert.ok(kafkaAway.includes('{"orderId":"tour-5","status":"PLACED"}'), kafkaAway)
  assert.match(kafkaAway, /│ waiting │\n.*\n│ [1-9]/)
  await confirmed('tour-1', 'tour-5')
  await until('analytics has heard of them', async () => /^Lag .* analytics 0\b/m.test(await shop.run('status')))

  const [again = '', dead = '', rules = '', together = '', redisAway = '', page = ''] = await type(blocks.slice(3))
  const [before, after, ...more] = [...again.matchAll(/┌[\s\S]*?└.*┘/g)].map(([table]) => table)
  assert.ok(before?.includes('A001') === true && more.length === 0, again)
  assert.equal(after, before)
  await until('all was delivered again', async () => {
    return (await readMetric(shop.url('analytics'), 'consumer_events_total', { outcome: 'duplicate' })) > 0
  })
  assert.match(dead, /dlq_reason:no-headers,.*\t(not an order|oops)$/m)
  assert.match(rules, /conservation +│ CHECK .*= initial/)
  const [, orders, transactions] = /│ (\d+) +│ (\d+) +│/.exec(together) ?? []
  assert.equal(Number(orders), 30)
  assert.ok(Number(transactions) < 30, together)
  assert.ok(redisAway.includes('{"orderId":"tour-10","status":"PLACED"}'), redisAway)
  assert.match(page, /^no answer from product: 7\nno answer from stock: 7\n.*"productId":"A001",.*"stockLeft":\d/m)
  await confirmed('tour-9-30', 'tour-10')
})

/** Sooner or later, whatever was away meanwhile. */
async function confirmed(...orderIds: string[]): Promise<void> {
  for (const orderId of orderIds) {
    await until(
      `${orderId} is confirmed`,
      async () => (await readJson<{ status: string }>(`${shop.url('order')}/orders/${orderId}`)).status === 'CONFIRMED',
      WITHIN_MS,
    )
  }
}

async function order(orderId: string, quantity: number): Promise<void> {
  const wish = { orderId, quantity, productId: 'A001', buyerId: 'loyal' }
  const answer = await sendJson(`${shop.url('order')}/orders`, wish)
  assert.equal(answer.status, 202)
}

/** The blocks of a shell in a document; of its walk alone where it says what that is. */
function blocksOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8')
  const walk = /<!-- walk -->([\s\S]*)<!-- \/walk -->/.exec(text)?.[1] ?? text
  return [...walk.matchAll(/```sh\n([\s\S]*?)\n```/g)].map((found) => found[1] ?? '')
}

/**
 * Runs the blocks one after the other in one shell; gives back what each has printed. After each of them it waits for
 * `readOn`, as for somebody who reads what comes next.
 */
async function type(
  blocks: readonly string[],
  readOn: () => Promise<void> = () => Promise.resolve(),
): Promise<string[]> {
  const script = blocks.map((block) => `${block}\nprintf '%s' '${END_OF_BLOCK}'\nread -r -u 3\n`).join('')
  const child = spawn('bash', ['-c', onThisShop(script)], {
    cwd: ROOT,
    env: readersEnv(),
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
    timeout: WITHIN_MS,
  })
  const goOn = child.stdio[3] as Writable
  goOn.on('error', () => undefined)
  let printed = ''
  let ended = 0
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    printed += text
    for (; ended < printed.split(END_OF_BLOCK).length - 1; ended += 1) {
      // What has not come to rest is missed in what the next block prints.
      void readOn()
        .catch(() => undefined)
        .finally(() => goOn.write('\n'))
    }
  })
  await once(child, 'close')
  return printed.split(END_OF_BLOCK).slice(0, -1)
}

const END_OF_BLOCK = '--- end of block ---'

/** Everybody has heard of all there is, also whoever shows pages. */
function atRest(): Promise<void> {
  return settled({
    brokers: shop.brokers,
    databaseUrl: (service) => shop.databaseUrl(service),
    storefront: { url: shop.url('storefront'), headers: () => Promise.resolve({}) },
  })
}

function readersEnv(): NodeJS.ProcessEnv {
  const PATH = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`
  return { ...process.env, PATH, TIMESALE_DATA: shop.folder, KAFKA_BROKERS: shop.brokers }
}

/** Whoever reads has the shop at its usual ports; here it is elsewhere. */
function onThisShop(script: string): string {
  return (
    script
      .replaceAll('localhost:8080', new URL(shop.url('gateway')).host)
      .replaceAll('localhost:8081', new URL(shop.url('order')).host)
      .replaceAll('localhost:8082', new URL(shop.url('stock')).host)
      .replaceAll('localhost:8084', new URL(shop.url('analytics')).host)
      .replaceAll('localhost:8086', new URL(shop.url('product')).host)
      .replaceAll('samples/python/.venv', join(shop.folder, 'python'))
      // What is to be heard of in the meantime comes later on a machine that does much else.
      .replaceAll(/^sleep 1$/gm, 'sleep 4')
  )
}

function partOf(answer: Record<string, unknown> | undefined, name: string): Record<string, unknown> {
  return (answer?.[name] ?? {}) as Record<string, unknown>
}

/** The lines that are JSON. */
function answersIn(text = ''): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

import assert from 'node:assert/strict'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { until } from '@timesale/testkit/until'
import { allPorts, openPorts, startLocalShop, type LocalShop } from './local-shop.ts'

// Starting and ending: nothing is left behind, whatever ends the shop, and nothing that was ordered is lost.

const ROOT = join(import.meta.dirname, '..')

let shop: LocalShop

before(async () => {
  shop = await startLocalShop()
  await order('first')
})

after(async () => {
  await shop?.[Symbol.asyncDispose]()
})

test('a second start on the same data is refused while the first one runs', () => {
  const args = [join(ROOT, 'local/commands/start.ts'), '--data', shop.folder, '--port-offset', String(shop.offset)]
  const second = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 30_000 })
  assert.equal(second.status, 1)
  assert.match(second.stdout + second.stderr, /already|runs/i)
})

test('a part that dies by itself is started again', async () => {
  const before = await part('notification')
  process.kill(before.pid ?? 0, 'SIGKILL')
  await until('notification runs again', async () => {
    const now = await part('notification')
    return now.state === 'running' && now.pid !== before.pid
  })
})

test('Ctrl-C leaves no process and no port', async () => {
  const pids = await allPids()
  await shop.stop()
  await nothingLeft(pids)
})

test('a second start finds everything as it was', async () => {
  await shop.start()
  assert.equal(await statusOf('first'), 'CONFIRMED')
  // Stock hears of an order that is confirmed a moment later, and may have been stopped in between.
  const stock = await until('it is sold', async () => {
    const found = (await (await fetch(`${shop.url('stock')}/stock/A001`)).json()) as { sold: number; initial: number }
    return found.sold > 0 && found
  })
  assert.deepEqual([stock.sold, stock.initial], [1, 1000])
  await order('second')
})

test('after a kill -9 of the supervisor the next start ends what is stale and loses nothing', async () => {
  const pids = await allPids()
  const gone = once(shop.supervisor, 'exit')
  shop.supervisor.kill('SIGKILL')
  await gone
  await shop.start()
  for (const pid of pids) assert.equal(isAlive(pid), false, `process ${pid} of the earlier start is still there`)
  assert.equal(await statusOf('second'), 'CONFIRMED')
  await order('third')
})

test('when npm is killed, which tells nobody, the shop ends too', async () => {
  await shop.stop()
  const npm = await startWithNpm()
  assert.equal(await statusOf('third'), 'CONFIRMED')
  const pids = await allPids()
  npm.kill('SIGKILL')
  await nothingLeft(pids)
})

test('Ctrl-C that reaches npm alone ends the shop in peace', async () => {
  const npm = await startWithNpm()
  const pids = await allPids()
  const gone = once(npm, 'exit')
  npm.kill('SIGINT')
  await gone
  assert.equal(npm.exitCode, 0)
  await nothingLeft(pids)
})

async function startWithNpm(): Promise<ChildProcess> {
  const npm = spawn('npm', ['start', '--', '--data', shop.folder, '--port-offset', String(shop.offset)], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_TEST_CONTEXT: '' },
  })
  let output = ''
  npm.stdout.on('data', (data: Buffer) => (output += data.toString()))
  await until('the shop is open', () => output.includes('The shop is open'), 120_000)
  return npm
}

async function order(orderId: string): Promise<void> {
  const response = await fetch(`${shop.url('order')}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ orderId, productId: 'A001', quantity: 1 }),
  })
  assert.equal(response.status, 202)
  await until(`order ${orderId} is confirmed`, async () => (await statusOf(orderId)) === 'CONFIRMED')
}

async function statusOf(orderId: string): Promise<string> {
  return ((await (await fetch(`${shop.url('order')}/orders/${orderId}`)).json()) as { status: string }).status
}

async function part(name: string): Promise<{ pid: number | null; state: string }> {
  const found = (await shop.status()).find((one) => one.name === name)
  assert.ok(found)
  return found
}

async function allPids(): Promise<number[]> {
  return (await shop.status()).flatMap(({ pid }) => (pid === null ? [] : [pid]))
}

async function nothingLeft(pids: readonly number[]): Promise<void> {
  assert.ok(pids.length >= 12)
  await until('every process is gone', () => !pids.some(isAlive), 40_000)
  await until('every port is free', async () => (await openPorts(allPorts(shop.offset))).length === 0)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

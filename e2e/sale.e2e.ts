import assert from 'node:assert/strict'
import { execFile, spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { after, before, test } from 'node:test'
import { usualDataFolder } from '@timesale/local/shop/data-folder'
import type { DatabaseService } from '@timesale/local/shop/ports'
import { askParts } from '@timesale/local/supervisor/control-client'
import { within } from '@timesale/process/deadline'
import { sendJson } from '@timesale/testkit/http'
import { produce } from '@timesale/testkit/records'
import { until } from '@timesale/testkit/until'
import { Client } from 'pg'
import { startLocalShop, type LocalShop } from './local-shop.ts'

// `npm run sale` as somebody types it, small: what it says, and how it ends.

/** Two cores may be shared with much else. */
const SALE_MAX_MS = 400_000
const BEGUN_WITHIN_MS = 180_000

const SMALL = ['--units', '150', '--buyers', '2000', '--rate', '500']

interface Report {
  readonly holds: boolean
  readonly productId: string
  readonly unitsSold: number
  readonly counts: { readonly arrived: number; readonly accepted: number; readonly turnedAway: number }
  readonly kills: readonly { readonly part: string }[]
  readonly orders: { readonly confirmed: number }
  readonly verdict: readonly {
    readonly rule: string
    readonly holds: boolean
    readonly says: string
    readonly offenders: readonly string[]
  }[]
}

interface ThroughReport {
  readonly accounts: number
  readonly timeSale: { readonly limitPerBuyer: number }
  readonly counts: { readonly shown: number; readonly hidden: number; readonly limited: number }
}

let shop: LocalShop

before(async () => {
  shop = await startLocalShop()
})

after(async () => {
  await shop?.[Symbol.asyncDispose]()
})

test('a sale in which stock and the broker are killed sells what there is, and all of it holds, whatever people did in that shop before', async () => {
  await produce(shop.brokers, [{ topic: 'order-topic', value: 'oops' }])
  for (const group of ['stock', 'notification', 'analytics'] as const) {
    await until(
      `${group} has put it aside`,
      async () => (await query(group, 'select 1 from dead_letters')).length === 1,
    )
  }
  const settings = { ordersOpen: true, limits: { browse: { points: 900, seconds: 10 } } }
  const answer = await sendJson(`${shop.url('account')}/settings`, settings, { method: 'PUT' })
  assert.equal(answer.status, 200, answer.text)

  const { code, stdout, stderr } = await sale(...SMALL, '--seed', '4', '--kill', 'stock,kafka-1', '--json')
  assert.equal(code, 0, stdout + stderr)
  const report = JSON.parse(stdout) as Report
  assert.deepEqual(
    report.verdict.filter(({ holds }) => !holds),
    [],
  )
  assert.ok(report.verdict.length > 25)
  assert.deepEqual([report.holds, report.unitsSold, report.counts.arrived], [true, 150, 2000])
  assert.deepEqual(report.kills.map(({ part }) => part).toSorted(), ['kafka-1', 'stock'])
  assert.equal(report.counts.accepted + report.counts.turnedAway, 2000)
  assert.ok(report.orders.confirmed > 50)
})

test('a sale through the gateway, in which stock is killed, holds as well, and each order is its buyer’s', async () => {
  const small = ['--units', '60', '--buyers', '600', '--rate', '100', '--accounts', '30', '--seed', '6']
  const { code, stdout, stderr } = await sale('--through', 'gateway', ...small, '--kill', 'stock', '--json')
  assert.equal(code, 0, stdout + stderr)
  const { counts, verdict, unitsSold, timeSale, accounts } = JSON.parse(stdout) as Report & ThroughReport
  assert.deepEqual([unitsSold, counts.arrived, accounts, timeSale.limitPerBuyer], [60, 600, 30, 3])
  assert.ok(counts.shown > 0 && counts.hidden === counts.shown, `${counts.shown} shown, ${counts.hidden} hidden`)
  const says = (rule: RegExp): string => verdict.find((one) => rule.test(one.rule))?.says ?? ''
  assert.match(says(/buyers see their orders/), /^[1-9]\d* of [1-9]\d* orders$/)
  assert.match(says(/each order is what its buyer asked for/), /^[1-9]\d* compared$/)

  const owners = await query('order', "select distinct buyer_id from orders where buyer_id like 'sale-buyer-%'")
  assert.ok(owners.length > 15 && owners.length <= 30, `${owners.length} accounts have orders`)
})

test('a sale during which an order vanishes fails, and names it', async () => {
  const running = sale(...SMALL, '--seed', '5')
  const lost = await until('an order to lose', () => confirmedOrder('SALE-5-'), BEGUN_WITHIN_MS)
  await query('order', `delete from order_history where order_id = '${lost}'`)
  await query('order', `delete from orders where order_id = '${lost}'`)
  const { code, stdout } = await running
  assert.equal(code, 1, stdout)
  assert.match(stdout, /✖ no accepted order is lost: 1\n {2}order SALE-5-\S+ was accepted and is not there/)
  assert.ok(stdout.includes(lost))
  assert.match(stdout, /rules do not hold/)
})

test('a sale that cannot begin says why, and what to do', async () => {
  const refused = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await sale(...args)
    assert.deepEqual([code, stdout], [2, ''])
    return stderr
  }
  assert.match(await refused('--kill', 'stok'), /There is no part 'stok'\. There are: .*stock/)
  assert.match(await refused('--buyers', 'many'), /'--buyers' must be a whole number from 1 to 1000000, not 'many'/)
  assert.match(await refused('--through', 'the window'), /'--through' must be 'gateway', not 'the window'/)
  assert.match(await refused('--accounts', '3'), /'--accounts' is for '--through gateway'/)
  const long = ['--through', 'gateway', '--buyers', '10000', '--rate', '10']
  assert.match(await refused(...long), /take longer than the 10 minutes that their tokens/)
  assert.match(
    await refused('--through', 'gateway', '--accounts', '2'),
    /buyers would give up .* --accounts 53 or more/,
  )
  assert.match(await refused('--data', join(shop.folder, 'nowhere')), /No shop is running on .*npm start/)
  await shop.run('part', 'kill', 'product')
  assert.match(await refused('--json'), /product service does not answer.*npm run part -- start product/)
  await shop.run('part', 'start', 'product')
  await shop.run('part', 'kill', 'notification')
  assert.match(
    await refused('--kill', 'stock,notification'),
    /notification is stopped.*npm run part -- start notification/,
  )
  await shop.run('part', 'start', 'notification')
})

test('Ctrl-C ends a sale', async () => {
  const { code } = await sale('--units', '10', '--buyers', '1000', '--rate', '10', '--ctrl-c')
  assert.equal(code, 130)
})

test('where no shop runs a sale starts its own, sells, and leaves nothing of it', async (t) => {
  if (await isShopRunning()) return t.skip('a shop runs in this clone')
  await using own = await OwnSale.start('--seed', '7', '--json')
  const code = await own.ended()
  assert.equal(code, 0, own.said())
  const { holds, unitsSold, counts } = JSON.parse(own.said().slice(own.said().indexOf('\n{') + 1)) as Report
  assert.deepEqual([holds, unitsSold, counts.arrived], [true, 150, 2000])
  assert.equal(await own.folder(), undefined)
})

// A terminal sends Ctrl-C to all that run in it, and npm passes it on: the sale gets it twice.
test('Ctrl-C ends `npm run sale` and the shop that it has started, and nothing is left of it', async (t) => {
  if (await isShopRunning()) return t.skip('a shop runs in this clone')
  await using own = await OwnSale.start()
  await until('its shop is being started', () => own.shopIsBeingStarted(), BEGUN_WITHIN_MS)
  own.signal('SIGINT')
  assert.equal(await own.ended(), 130, own.said())
  assert.match(own.said(), /Stopping/)
  assert.equal(await own.folder(), undefined)
})

async function isShopRunning(): Promise<boolean> {
  return (await askParts(await usualDataFolder())) !== undefined
}

/** A small `npm run sale` that has no shop, as a terminal runs it, with temporary folders of its own. */
class OwnSale implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<null, Readable, null>
  readonly #temporary: string
  readonly #gone: Promise<unknown[]>
  #said = ''

  static async start(...args: string[]): Promise<OwnSale> {
    const temporary = await mkdtemp(join(tmpdir(), 'timesale-own-'))
    await chmod(temporary, 0o755)
    return new OwnSale(temporary, args)
  }

  private constructor(temporary: string, args: readonly string[]) {
    const { TIMESALE_DATA: _none, ...env } = process.env
    this.#temporary = temporary
    this.#child = spawn('npm', ['run', 'sale', '--', ...SMALL, ...args], {
      ...{ cwd: join(import.meta.dirname, '..'), detached: true, env: { ...env, TMPDIR: temporary } },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#gone = once(this.#child, 'close')
    this.#gone.catch(() => undefined)
    this.#child.stdout.on('data', (piece: Buffer) => (this.#said += piece.toString()))
  }

  said(): string {
    return this.#said
  }

  async ended(): Promise<number | null> {
    const [code] = (await within(SALE_MAX_MS, this.#gone, () => new Error('It does not end'))) as [number | null]
    return code
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(-(this.#child.pid ?? assert.fail('npm did not start')), signal)
  }

  async folder(): Promise<string | undefined> {
    return (await readdir(this.#temporary)).find((name) => name.startsWith('timesale-sale-'))
  }

  async shopIsBeingStarted(): Promise<boolean> {
    const name = await this.folder()
    return name !== undefined && (await readdir(join(this.#temporary, name))).includes('supervisor.json')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.signal('SIGKILL')
    await rm(this.#temporary, { recursive: true, force: true })
  }
}

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** `--ctrl-c` stands for somebody who presses it as soon as the sale has begun. */
function sale(...args: string[]): Promise<Ended> {
  const file = join(import.meta.dirname, '../sale/command.ts')
  const asked = args.filter((arg) => arg !== '--ctrl-c')
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [file, ...asked],
      { env: { ...process.env, TIMESALE_DATA: shop.folder }, timeout: SALE_MAX_MS },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    )
    if (asked.length === args.length) return
    child.stdout?.on('data', (text: string) => {
      if (text.includes('arrived')) child.kill('SIGINT')
    })
  })
}

async function confirmedOrder(prefix: string): Promise<string | undefined> {
  const rows = await query(
    'order',
    `select order_id from orders where order_id like '${prefix}%' and status = 'CONFIRMED' limit 1`,
  )
  return rows[0]?.['order_id'] as string | undefined
}

async function query(service: DatabaseService, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: shop.databaseUrl(service) })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}

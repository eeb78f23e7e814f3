import assert from 'node:assert/strict'
import { execFile, type ExecFileException } from 'node:child_process'
import { hash } from 'node:crypto'
import { globSync } from 'node:fs'
import { mkdir, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { after, before, test } from 'node:test'
import { sendJson } from '@timesale/testkit/http'
import { until } from '@timesale/testkit/until'
import { startLocalShop } from './local-shop.ts'
import { secondClone } from './second-clone.ts'

// npm run new -- consumer, in a clone of its own: what it makes must pass what every change must pass, and work.

// Not one that somebody has made in the clone that is tested.
const NAME = 'neverheardof'

let clone: string
let told: Outcome

before(async () => {
  clone = await secondClone()
  told = await run('node', 'scripts/new.ts', 'consumer', NAME)
})

after(async () => {
  if (clone !== undefined) await rm(clone, { recursive: true, force: true })
})

test('it says what it has made, and what to do next', () => {
  assert.equal(told.code, 0, told.output)
  for (const line of [
    /services\/neverheardof\//,
    /contracts\/topics\.ts/,
    /npm start/,
    /npm run sql -- neverheardof/,
  ]) {
    assert.match(told.output, line)
  }
})

test('a clone with the new service passes every check, and its lock file is as npm wants it', async () => {
  const check = await run('node', 'scripts/check.ts')
  assert.equal(check.code, 0, check.output)
  const install = await run('npm', 'ci', '--dry-run', '--offline', '--no-audit', '--no-fund')
  assert.equal(install.code, 0, install.output)
})

test('the tests of what lists the services pass as well', async () => {
  const lists = [
    'console/pages/live/*.test.ts',
    'contracts/*.test.ts',
    'local/shop/*.test.ts',
    'services/gateway/*.test.ts',
  ]
  const units = lists
    .flatMap((pattern) => globSync(pattern, { cwd: clone }))
    .filter((file) => !file.endsWith('.int.test.ts'))
  const tests = [...units, 'services/gateway/console-kafka.int.test.ts']
  const { code, output } = await run('node', '--test', '--test-force-exit', '--test-reporter=tap', ...tests)
  assert.equal(code, 0, output)
})

test('the tests it comes with pass, against real servers', async () => {
  const tests = ['units-bought.test.ts', 'events/consumer.int.test.ts'].map((file) => `services/${NAME}/${file}`)
  const { code, output } = await run('node', '--test', '--test-force-exit', '--test-reporter=tap', ...tests)
  assert.equal(code, 0, output)
  assert.match(output, /^# pass 3$/m)
})

test('npm start starts it with the others, and it hears of an order', async () => {
  await using shop = await startLocalShop(clone)
  assert.match(shop.output(), /^ {2}neverheardof +http/m)
  const order = { orderId: `for-${NAME}`, productId: 'A001', quantity: 2, buyerId: 'kim' }
  assert.equal((await sendJson(`${shop.url('order')}/orders`, order)).status, 202)
  await until('it has counted the units', async () => {
    const rows = await shop.run('sql', NAME, 'select buyer_id, units::int from units_bought', '--json')
    return rows.includes('"kim"') && rows.includes('2')
  })
  assert.match(await shop.run('status'), /neverheardof/)
  await until('the trace of the order says that it has applied what was told', async () =>
    /neverheardof.*applied/.test(await shop.run('order', `for-${NAME}`)),
  )
})

test('a name that it cannot have, or a clone that it cannot write, leaves everything as it was', async () => {
  // Where the link to its workspace belongs there is something else; by then all files have been written.
  const inTheWay = join(clone, 'node_modules/@timesale/gifts-service')
  await mkdir(inTheWay)
  await writeFile(join(inTheWay, 'mine.txt'), 'mine')
  const before = await contents()
  assert.ok(before.size > 500)

  for (const [words, code, why] of [
    [['consumer', NAME], 1, /There is a service 'neverheardof' already/],
    [['consumer', 'Neverheardof'], 1, /2 to 20 letters/],
    [['consumer', 'gifts'], 1, /cannot be written, and all is as it was/],
    [['consumer', 'kafka'], 1, /packages\/kafka/],
    [['consumer'], 2, /The name of the new consumer is missing/],
    [['producer', 'gifts'], 2, /Unknown kind 'producer'/],
    [[], 2, /What shall be made is missing/],
  ] as const) {
    const refused = await run('node', 'scripts/new.ts', ...words)
    assert.equal(refused.code, code, refused.output)
    assert.match(refused.output, why)
  }
  const after = await contents()
  assert.deepEqual(
    [...before, ...after].filter((one) => !(before.has(one) && after.has(one))),
    [],
  )
})

interface Outcome {
  readonly code: number
  readonly output: string
}

/** A command in the clone, with the programs that npm has installed. */
function run(file: string, ...args: string[]): Promise<Outcome> {
  // Not what this run's own npm and test runner have told it.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_TEST_)/.test(name)))
  const PATH = [join(clone, 'node_modules/.bin'), env['PATH']].join(delimiter)
  return new Promise((resolve) => {
    execFile(file, args, { cwd: clone, env: { ...env, PATH }, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      const { code } = (error ?? { code: 0 }) as Partial<ExecFileException>
      resolve({ code: typeof code === 'number' ? code : -1, output: `${stdout}\n${stderr}` })
    })
  })
}

/** Every file of the clone with a sum of what is in it, and where every link leads. */
async function contents(): Promise<Set<string>> {
  const entries = await readdir(clone, { recursive: true, withFileTypes: true })
  const found = entries
    .filter((entry) => !entry.isDirectory())
    .map(async (entry) => {
      const path = join(entry.parentPath, entry.name)
      return `${path} ${entry.isSymbolicLink() ? await readlink(path) : hash('sha256', await readFile(path))}`
    })
  return new Set(await Promise.all(found))
}

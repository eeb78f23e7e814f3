import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { databaseServices, portsWithOffset, serviceNames } from '@timesale/local/shop/ports'
import { repositoryRoot } from '../repository-files.ts'
import { SERVICE_LISTS } from './lists.ts'
import { planConsumer } from './plan.ts'
import { objectionTo } from './service-name.ts'

test('a name that fits nothing that it becomes is refused, with what would fit', () => {
  for (const name of ['', 'x', 'Loyalty', 'gift-card', 'gift_card', '1st', 'a/b', '../up', '포인트', 'a'.repeat(21)]) {
    assert.match(objectionTo(name, repositoryRoot) ?? '', /2 to 20 letters from a to z/, name)
  }
  // Where nobody has anything yet: here somebody may have made a service of that name.
  const empty = mkdtempSync(join(tmpdir(), 'timesale-names-'))
  writeFileSync(join(empty, '.env.example'), '')
  for (const name of ['neverheardof', 'b2b', 'zz', 'a'.repeat(20)])
    assert.doesNotMatch(objectionTo(name, empty) ?? '', /2 to 20 letters/, name)
  assert.equal(objectionTo('neverheardof', empty), undefined)
  rmSync(empty, { recursive: true })
})

test('a name that somebody has is refused, and it is said who', () => {
  for (const [name, who] of [
    ['order', /a service 'order' already/],
    ['storefront', /a service/],
    // As these are found by `@timesale/<name>`.
    ['kafka', /packages\/kafka\//],
    ['local', /there is local\//],
    // Settings are told apart by their beginnings.
    ['db', /DB_POOL_SIZE is a setting/],
    ['auth', /AUTH_MODE/],
    ['java', /JAVA_HOME/],
    ['node', /NODE_/],
    ['https', /HTTPS_/],
    ['dist', /something else/],
    ['pg', /something else/],
    ['infrastructure', /something else/],
    ['utils', /says nothing/],
  ] as const) {
    assert.match(objectionTo(name, repositoryRoot) ?? '', who, name)
  }
})

test('lists get lines, and what was there stays in its order', () => {
  const { files } = planConsumer(repositoryRoot, 'neverheardof')
  for (const { file } of SERVICE_LISTS) {
    const before = readFileSync(join(repositoryRoot, file), 'utf8').split('\n')
    const after = (files.get(file) ?? '').split('\n')
    assert.ok(after.some((line) => line.includes('neverheardof')))
    let at = 0
    const gone = before.filter((line) => {
      const found = after.indexOf(line, at)
      if (found !== -1) at = found + 1
      return found === -1
    })
    // A row of this table names one consumer more.
    assert.equal(gone.length, file === 'contracts/README.md' ? 1 : 0, `${file} loses ${gone.join('\n')}`)
  }
})

test('its ports are nobody else’s, also not those of a second shop a thousand further', () => {
  const ports = portsWithOffset(0)
  const { service } = planConsumer(repositoryRoot, 'neverheardof')
  const others = [
    ...serviceNames.map(ports.service),
    ...databaseServices.map(ports.database),
    ports.redis,
    ports.config,
  ]
  const brokers = [1, 2, 3].flatMap((number) => Object.values(ports.broker(number)))
  for (const port of [service.port, service.databasePort]) {
    for (const other of [...others, ...brokers])
      assert.ok(![other - 1000, other, other + 1000].includes(port), `${port}`)
  }
})

test('nothing of the template is left to fill in', () => {
  const { files } = planConsumer(repositoryRoot, 'neverheardof')
  const own = [...files].filter(([file]) => file.startsWith('services/neverheardof/'))
  assert.deepEqual(
    own.map(([file]) => file.replace('services/neverheardof/', '')),
    [
      ...['README.md', 'app.ts', 'config.ts', 'db/migrations/0001_units-bought.sql', 'db/units-bought.ts'],
      ...['events/consumer.int.test.ts', 'events/consumer.ts', 'main.ts', 'package.json'],
      ...['units-bought.test.ts', 'units-bought.ts'],
    ],
  )
  for (const [file, text] of own) assert.doesNotMatch(text, /\{\{|\}\}/, file)
})

test('a list that is not where it was is an error before anything is written', () => {
  for (const { file, add } of SERVICE_LISTS) {
    const service = { name: 'neverheardof', port: 8090, databasePort: 5440 }
    assert.equal(add(file === 'package-lock.json' ? '{}' : 'Something else.\n', service), undefined, file)
  }
})

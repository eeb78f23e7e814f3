import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { defaultDataDir } from './data-folder.ts'
import { isRoot, postgresUser } from './os-user.ts'
import { makeReachable, reachableBinaries } from './postgres-binaries.ts'

const onlyRoot = { skip: isRoot() ? false : 'only root has to run PostgreSQL as somebody else' }

test('programs that the postgres user cannot get at are copied to where it can, once', onlyRoot, async () => {
  const { user, hidden, place } = await setup()
  const copied = await makeReachable(hidden, '18', user, [place])

  assert.equal(copied.postgres, join(place, 'postgres-18', 'bin', 'postgres'))
  await promisify(execFile)(copied.postgres, ['--version'], { uid: user.uid, gid: user.gid, cwd: '/' })

  // What is there and works is used although its source is gone.
  assert.deepEqual(await makeReachable(join(hidden, 'gone'), '18', user, [place]), copied)
  assert.deepEqual(readdirSync(place), ['postgres-18'])
})

test('programs that were installed for root alone are copied for everybody', onlyRoot, async () => {
  const { user, hidden, place } = await setup()

  await promisify(execFile)('chmod', ['-R', 'go-rwx', hidden])
  const { postgres } = await makeReachable(hidden, '18', user, [place])

  await promisify(execFile)(postgres, ['--version'], { uid: user.uid, gid: user.gid, cwd: '/' })
})

test('a copy that does not work is made anew', onlyRoot, async () => {
  const { user, hidden, place } = await setup()
  const { postgres } = await makeReachable(hidden, '18', user, [place])

  truncateSync(postgres, 100)
  await makeReachable(hidden, '18', user, [place])

  await promisify(execFile)(postgres, ['--version'], { uid: user.uid, gid: user.gid, cwd: '/' })
})

test('where no place will do, the message says what to do', onlyRoot, async () => {
  const { user, hidden } = await setup()

  await assert.rejects(makeReachable(hidden, '18', user, [dirname(hidden)]), /another user than root/)
})

test('the data of a clone that the postgres user cannot enter lie elsewhere', onlyRoot, async () => {
  const { hidden } = await setup()
  const clone = dirname(hidden)

  assert.match(await defaultDataDir(clone), /^\/var\/lib\/timesale\/[0-9a-f]{12}$/)
  chmodSync(clone, 0o755)
  assert.equal(await defaultDataDir(clone), join(clone, '.timesale'))
})

let root = ''
let programs = ''

before(async () => {
  const { postgres } = await reachableBinaries()

  root = mkdtempSync(join(tmpdir(), 'timesale-binaries-'))
  programs = join(root, 'programs')
  chmodSync(root, 0o755)
  cpSync(dirname(dirname(postgres)), programs, { recursive: true, verbatimSymlinks: true })
})

after(() => rmSync(root, { recursive: true, force: true }))

/** A copy of the programs in a folder that only root can enter. */
async function setup() {
  const user = await postgresUser()
  const folder = mkdtempSync(join(root, 'test-'))
  const clone = join(folder, 'clone')
  const hidden = join(clone, 'native')

  assert.ok(user)
  chmodSync(folder, 0o755)
  mkdirSync(clone, { mode: 0o700 })
  renameSync(programs, hidden)
  programs = hidden

  return { user, hidden, place: join(folder, 'place') }
}

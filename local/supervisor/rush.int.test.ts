import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { until } from '@timesale/testkit/until'
import { PidRecord, recordedProcesses } from './pid-record.ts'
import { isAlive, findProcess } from './process-table.ts'
import { Rush } from './rush.ts'

// A program in the place of the sale says what the sale would.

let folder: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'timesale-rush-'))
})

after(async () => {
  await rm(folder, { recursive: true, force: true })
})

test('a rush is asked for what was wanted, shows what it says, and ends with its verdict', async () => {
  const heard = join(folder, 'heard')
  const rush = await rushOf(`
    import { existsSync } from 'node:fs'
    console.error('buyers come')
    for (let tries = 0; tries < 1_500 && !existsSync('${heard}'); tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const rule = (holds) => ({ holds, rule: 'a rule', says: process.argv.slice(2).join(' ') })
    console.log(JSON.stringify({ holds: false, verdict: [rule(true), rule(false)] }))
    process.exitCode = 1`)
  assert.equal(rush.latest, null)
  const { id, state, buyers, units } = await rush.start({ buyers: 7, seed: 3 })
  assert.deepEqual({ id, state, buyers, units }, { id: 1, state: 'running', buyers: 7, units: 500 })
  await until('it says something', () => rush.latest?.says[0] === 'buyers come')
  await writeFile(heard, '')
  const ended = await endOf(rush)
  const said = `--json --progress --data ${folder} --buyers 7 --units 500 --rate 500 --seed 3`
  assert.deepEqual([ended.state, ended.says], ['broken', [`✖ a rule: ${said}`, `✔ a rule: ${said}`]])
})

test('buyers come in by the gateway where nobody gets in without a token', async () => {
  const rush = await rushOf(
    `console.log(JSON.stringify({ holds: true, verdict: [{ holds: true, rule: 'r', says: process.argv.join(' ') }] }))`,
    true,
  )
  await rush.start({})
  const { state, says } = await endOf(rush)
  assert.equal(state, 'held')
  assert.match(says[0] ?? '', /--through gateway$/)
})

test('one runs at a time, is stopped when that is asked for, and is written down while it runs', async () => {
  const rush = await rushOf(`
    process.on('SIGTERM', () => process.exit(130))
    setInterval(() => undefined, 1_000)
    console.error('running')`)
  await assert.rejects(rush.stop(), { name: 'Complaint' })
  const both = await Promise.allSettled([rush.start({}), rush.start({})])
  assert.deepEqual(both.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
  await assert.rejects(rush.start({}), /A rush is running/)
  const [written] = recordedProcesses(join(folder, 'pids.json'))
  assert.equal(written?.part, 'rush')
  await until('it runs', () => rush.latest?.says[0] === 'running')
  const stopped = await rush.stop()
  assert.deepEqual([stopped?.state, stopped?.says], ['stopped', ['running']])
  assert.ok(!isAlive(written))
  assert.equal(recordedProcesses(join(folder, 'pids.json')).length, 0)
  const again = await rush.start({})
  assert.equal(again.id, 2)
  await rush.close()
  await rush.close()
  await assert.rejects(rush.start({}), /being stopped/)
})

test('one that comes to no verdict has failed, and its last words are there', async () => {
  const rush = await rushOf(`console.error('No shop is running'); process.exitCode = 2`)
  await rush.start({})
  const { state, says } = await endOf(rush)
  assert.deepEqual([state, says], ['failed', ['No shop is running']])
})

test('one that does not stop is killed', async () => {
  const rush = await rushOf(`
    process.on('SIGTERM', () => undefined)
    setInterval(() => undefined, 1_000)
    console.error(String(process.pid))`)
  await rush.start({})
  const pid = Number(await until('it runs', () => rush.latest?.says[0]))
  assert.equal((await rush.stop())?.state, 'stopped')
  assert.equal(findProcess(pid), undefined)
})

async function rushOf(code: string, needsToken = false): Promise<Rush> {
  const program = join(folder, `${crypto.randomUUID()}.mjs`)
  await writeFile(program, code)
  return new Rush({
    dataFolder: folder,
    pids: new PidRecord(join(folder, 'pids.json')),
    needsToken: () => Promise.resolve(needsToken),
    program,
  })
}

function endOf(rush: Rush) {
  return until('it has ended', () => {
    const { latest } = rush
    return latest !== null && latest.state !== 'running' && latest
  })
}

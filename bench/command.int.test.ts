import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { shown, type Result } from './report.ts'

const QUICK = ['accept-64', '--rounds', '1', '--sample-ms', '200']

test('a figure is measured against its limit, counted, and written as JSON', async () => {
  await using bench = await startBench()
  const json = join(bench.folder, 'result.json')

  const child = bench.run([...QUICK, '--json', json])
  const [code] = (await once(child, 'exit')) as [number]

  assert.equal(code, 0, bench.output())
  const results = JSON.parse(await readFile(json, 'utf8')) as Result[]
  assert.deepEqual(
    results.map(({ name }) => name),
    ['accept-64'],
  )
  const [result] = results
  assert.ok(result !== undefined)
  const { value, against, ratio, rounds } = result
  assert.ok(against !== null && value > 0 && against > 0, bench.output())
  // Which of them is faster says nothing after so short a sample.
  for (const said of [`bare-64, round 1 of 1: ${shown(against)};`, `accept-64, round 1 of 1: ${shown(value)};`]) {
    assert.ok(bench.output().includes(said), `${said}\n${bench.output()}`)
  }
  assert.equal(ratio, value / against)
  assert.deepEqual([rounds.value.length, rounds.against.length], [1, 1])
  await rm(json)
  assert.deepEqual(await readdir(bench.folder), [], 'nothing is left of its servers')
})

for (const [what, signal, exitCode] of [
  ['Ctrl-C', 'SIGINT', 130],
  ['a terminal that is closed', 'SIGHUP', 129],
] as const) {
  test(`${what} ends what was started and leaves nothing behind`, async () => {
    await using bench = await startBench()

    const child = bench.run(QUICK)
    await bench.said('bare-64, round 1')
    child.kill(signal)
    const [code] = (await once(child, 'exit')) as [number]

    assert.equal(code, exitCode, bench.output())
    assert.deepEqual(await readdir(bench.folder), [], 'nothing is left of its servers')
  })
}

test('a figure that does not exist ends with the code of wrong usage, before anything is started', async () => {
  await using bench = await startBench()

  const [code] = (await once(bench.run(['accept-65']), 'exit')) as [number]

  assert.equal(code, 2)
  assert.match(bench.output(), /There is no figure 'accept-65'/)
})

test('a file that cannot be written ends with the code of wrong usage, before anything is started', async () => {
  await using bench = await startBench()

  const [code] = (await once(bench.run([...QUICK, '--json', join(bench.folder, 'nowhere', 'x.json')]), 'exit')) as [
    number,
  ]

  assert.equal(code, 2, bench.output())
  assert.match(bench.output(), /'--json' must be a file that can be written: ENOENT/)
  assert.doesNotMatch(bench.output(), /starting/)
})

interface Bench extends AsyncDisposable {
  /** Where its servers keep their data. */
  readonly folder: string
  run(args: readonly string[]): ChildProcess
  output(): string
  said(text: string): Promise<void>
}

async function startBench(): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'timesale-bench-'))
  // PostgreSQL runs as a user of its own where we are root.
  await chmod(folder, 0o755)
  let output = ''
  let child: ChildProcess | undefined
  return {
    folder,
    run(args) {
      const env = { ...process.env, TMPDIR: folder, NODE_TEST_CONTEXT: '' }
      child = spawn(process.execPath, [join(import.meta.dirname, 'command.ts'), ...args], { env, stdio: 'pipe' })
      child.stdout?.on('data', (data: Buffer) => (output += data.toString()))
      child.stderr?.on('data', (data: Buffer) => (output += data.toString()))
      return child
    },
    output: () => output,
    async said(text) {
      while (!output.includes(text)) {
        assert.equal(child?.exitCode, null, output)
        assert.ok(child?.stderr)
        await Promise.race([once(child.stderr, 'data'), once(child, 'exit')])
      }
    },
    async [Symbol.asyncDispose]() {
      if (child !== undefined && child.exitCode === null && child.signalCode === null) {
        const gone = once(child, 'exit')
        child.kill('SIGTERM')
        await gone
      }
      await rm(folder, { recursive: true, force: true })
    },
  }
}

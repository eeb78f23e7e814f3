import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { withoutComment } from '@timesale/local/commands/command-line'

// npm test: everything that must hold. npm run test:unit, test:int and test:e2e are its parts; test:faults comes on top.

const SUITES = {
  unit: {
    glob: ['{contracts,packages,services,provision,local,verify,console,sale,bench,lab,scripts}/**/!(*.int).test.ts'],
    concurrency: 2,
  },
  // Each file starts the servers it needs, and mostly waits for them: two at a time keep two cores busy.
  int: {
    glob: ['{contracts,packages,services,provision,local,verify,sale,bench,scripts}/**/*.int.test.ts'],
    concurrency: 2,
  },
  e2e: { glob: ['e2e/**/*.e2e.ts'], concurrency: 1 },
  // A rush and faults together: whole minutes, so only where it is asked for, and in CI.
  faults: { glob: ['faults/**/*.faults.ts'], concurrency: 1 },
} as const
type Suite = keyof typeof SUITES
const BY_DEFAULT: readonly Suite[] = ['unit', 'int', 'e2e']

const asked = withoutComment(process.argv.slice(2))
const unknown = asked.filter((name) => !Object.hasOwn(SUITES, name))
if (unknown.length > 0) {
  console.error(
    `Unknown suite: ${unknown.join(', ')}. There are ${Object.keys(SUITES).join(', ')}; none means ${BY_DEFAULT.join(', ')}.`,
  )
  process.exit(2)
}
const suites = asked.length > 0 ? (asked as Suite[]) : BY_DEFAULT

// What failed is said again at the very end: a suite prints thousands of lines, and others come after it.
const folder = mkdtempSync(join(tmpdir(), 'timesale-failed-'))
const failed: string[] = []
const reports: string[] = []
for (const suite of suites) {
  const { glob, concurrency } = SUITES[suite]
  const began = performance.now()
  const report = join(folder, suite)
  console.log(`\n== ${suite}`)
  const { status } = spawnSync(
    process.execPath,
    // A consumer of the Kafka client whose goodbye nobody heard goes on sending heartbeats, and would keep a file's process
    // for ever after its last test. Services end themselves (packages/process/run.ts).
    [
      ...['--test', '--test-force-exit', `--test-concurrency=${concurrency}`],
      ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
      ...[`--test-reporter=${import.meta.resolve('./failed-tests.ts')}`, `--test-reporter-destination=${report}`],
      ...glob,
    ],
    { stdio: 'inherit', env: { ...process.env, NODE_ENV: 'test' } },
  )
  console.log(
    `== ${suite}: ${status === 0 ? 'passed' : 'FAILED'} after ${((performance.now() - began) / 1000).toFixed(0)} s`,
  )
  if (status === 0) continue
  failed.push(suite)
  // None where the runner was ended from outside.
  if (existsSync(report)) reports.push(readFileSync(report, 'utf8'))
}
rmSync(folder, { recursive: true })
if (failed.length > 0) {
  console.error(`\nFailed: ${failed.join(', ')}\n\n${reports.join('')}`)
  process.exit(1)
}

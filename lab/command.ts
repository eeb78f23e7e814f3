import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from '@timesale/local/commands/command-line'
import { abortedByCtrlC, type EndSignal } from '@timesale/local/commands/ctrl-c'
import { writeWhole } from '@timesale/local/infrastructure/made-whole'
import { killTree } from '@timesale/local/supervisor/end-process'
import { findProcess } from '@timesale/local/supervisor/process-table'
import { askedPlaces } from './framework/asked-places.ts'
import { sameText, type Text } from './framework/experiment.ts'
import { findExperiments, LAB, loadExperiment, type Place } from './framework/experiments.ts'
import { fetchServers } from './framework/fetch-servers.ts'
import { requireWritable } from './framework/require-writable.ts'
import { keepFailure, readResult, type Result } from './framework/result.ts'
import { resultsPage, type Entry } from './framework/results-page.ts'

const usage = `npm run lab [-- NUMBERS | all] [OPTIONS]

Experiments that show, with numbers of this machine, what Kafka and Redis are for, and where they only cost. Without a number: the
questions, and how each was answered last. Each takes less than two minutes, starts what it needs and stops it again. A fresh clone
downloads Kafka and Redis before the first.

  NUMBERS        these experiments: npm run lab -- 3 5
  all            one after the other
  --help         this text

After each experiment the last run of each is written to lab/RESULTS.md, and in Korean to lab/RESULTS.ko.md. Exit code 1 when something
that is claimed was not reproduced here, no work was done, it took more than two minutes, or results cannot be written.`

/** What is promised, and a busy machine. */
const WITHIN_MS = 240_000
/** Linux, `TMPFS_MAGIC`. */
const TMPFS = 0x01021994
/** Filesystem Hierarchy Standard 3.0, 5.15. */
const LARGE_TEMPORARY = '/var/tmp'
/** 128 and the signal's number, as shells have it. */
const EXIT_CODES: Readonly<Record<EndSignal, number>> = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }

await runCommand({
  usage,
  options: {},
  wordsMax: 99,
  run: async ({ words }) => {
    const places = await findExperiments()
    if (words.length === 0) return await list(places)
    const asked = askedPlaces(places, words)
    // Before the first clock runs, as later each would be an experiment's failure.
    for (const place of places) await readLast(place)
    await requireWritable([LAB, ...asked.map(({ folder }) => folder)])
    await fetchServers()
    const stopping = abortedByCtrlC(
      (name) => name,
      () => undefined,
    )
    const failed: string[] = []
    for (const place of asked) {
      const isReproduced = await run(place, stopping)
      if (stopping.aborted) return stopped(place, stopping)
      if (!isReproduced) failed.push(place.name)
      await writeResults(places)
    }
    console.log(failed.length === 0 ? '\nAll reproduced.' : `\nNot reproduced: ${failed.join(', ')}`)
    console.log('The results are in lab/RESULTS.md, and in Korean in lab/RESULTS.ko.md.')
    return failed.length === 0 ? 0 : 1
  },
})

function stopped({ name }: Place, { reason }: AbortSignal): number {
  console.log(`\n${name} was stopped; its last result stays.`)
  return EXIT_CODES[reason as EndSignal]
}

/** A file that is broken counts as none: an experiment that is run writes it anew. */
function readLast({ number, name, folder }: Place): Promise<Result | undefined> {
  return readResult(folder, (why) =>
    console.error(
      `lab/${name}/result.json cannot be read and counts as none (${why.replaceAll(/\s+/g, ' ')}): npm run lab -- ${number} writes it anew.`,
    ),
  )
}

async function list(places: readonly Place[]): Promise<number> {
  for (const place of places) {
    const [{ question }, result] = [await loadExperiment(place), await readLast(place)]
    const last =
      result === undefined
        ? 'not run yet'
        : `${result.faults.length === 0 ? 'reproduced' : 'NOT reproduced'} ${result.at.slice(0, 10)}, ${result.seconds} s`
    console.log(
      `${String(place.number).padStart(3)}  ${question.en}\n     ${question.ko}\n     ${last}; lab/${place.name}/`,
    )
  }
  return 0
}

async function run({ name, folder }: Place, stopping: AbortSignal): Promise<boolean> {
  const last = await readResult(folder)
  const temporary = await mkdtemp(join(await rootForData(), 'timesale-lab-'))
  // PostgreSQL runs as a user of its own where we are root.
  await chmod(temporary, 0o755)
  const began = performance.now()
  try {
    const end = await runOne(name, temporary, stopping)
    if (end === 'reproduced' || stopping.aborted) return end === 'reproduced'
    // One that could say itself what went wrong has done so.
    if ((await readResult(folder))?.at === last?.at)
      await keepFailure(folder, last?.question ?? sameText(name), end, (performance.now() - began) / 1000)
    return false
  } finally {
    await rm(temporary, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** A system that keeps `/tmp` in memory has another folder for what is large and may go; on memory nothing waits for a disk. */
async function rootForData(): Promise<string> {
  const usual = tmpdir()
  const isInMemory = process.platform === 'linux' && (await statfs(usual)).type === TMPFS
  return isInMemory && process.env['TMPDIR'] === undefined && existsSync(LARGE_TEMPORARY) ? LARGE_TEMPORARY : usual
}

/** In a folder for all that it leaves behind when it is killed. Resolves to why it has not come to a good end. */
async function runOne(name: string, temporary: string, stopping: AbortSignal): Promise<Text | 'reproduced'> {
  const env = { ...process.env, TMPDIR: temporary }
  const child = spawn(process.execPath, [join(LAB, 'run-one.ts'), name], { stdio: 'inherit', env })
  let isLate = false
  const late = setTimeout(() => {
    isLate = true
    console.error(`${name} has not ended after ${WITHIN_MS / 1000} s and is ended.`)
    // With its servers, which would be nobody's.
    const found = findProcess(child.pid ?? 0)
    if (found !== undefined) void killTree(found)
  }, WITHIN_MS)
  // Ctrl-C reaches it by itself; what was sent to this process alone does not.
  const stop = (): boolean => child.kill()
  stopping.addEventListener('abort', stop)
  if (stopping.aborted) stop()
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  clearTimeout(late)
  stopping.removeEventListener('abort', stop)
  if (code === 0) return 'reproduced'
  if (!isLate)
    return { en: `it has ended with ${signal ?? `code ${code}`}`, ko: `${signal ?? `종료 코드 ${code}`}로 끝났다` }
  return {
    en: `it had not ended after ${WITHIN_MS / 1000} s and was ended`,
    ko: `${WITHIN_MS / 1000}초가 지나도 끝나지 않아 끝냈다`,
  }
}

async function writeResults(places: readonly Place[]): Promise<void> {
  const entries: Entry[] = []
  for (const { name, folder } of places) {
    const result = await readResult(folder)
    if (result !== undefined) entries.push({ name, result })
  }
  await writeWhole(join(LAB, 'RESULTS.md'), resultsPage(entries, 'en'))
  await writeWhole(join(LAB, 'RESULTS.ko.md'), resultsPage(entries, 'ko'))
}

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand, WrongUsage } from '@timesale/local/commands/command-line'
import { killTree } from '@timesale/local/supervisor/end-process'
import { findProcess } from '@timesale/local/supervisor/process-table'
import { sameText, type Text } from './framework/experiment.ts'
import { findExperiments, LAB, loadExperiment, type Place } from './framework/experiments.ts'
import { keepFailure, readResult } from './framework/result.ts'
import { resultsPage, type Entry } from './framework/results-page.ts'

const usage = `npm run lab [-- NUMBERS | all] [OPTIONS]

Experiments that show, with numbers of this machine, what Kafka and Redis are for, and where they only cost. Without a number: the
questions, and how each was answered last. Each takes less than two minutes, starts what it needs and stops it again.

  NUMBERS        these experiments: npm run lab -- 3 5
  all            one after the other
  --help         this text

After every run the last one of each is written to lab/RESULTS.md, and in Korean to lab/RESULTS.ko.md. Exit code 1 when something
that is claimed was not reproduced here, no work was done, or it took more than two minutes.`

/** What is promised, and a busy machine. */
const WITHIN_MS = 240_000

await runCommand({
  usage,
  options: {},
  wordsMax: 99,
  run: async ({ words }) => {
    const places = await findExperiments()
    if (words.length === 0) return await list(places)
    const asked = words.includes('all') ? places : words.map((word) => placeOf(places, word))
    const failed: string[] = []
    for (const place of asked) if (!(await run(place))) failed.push(place.name)
    await writeResults(places)
    console.log(failed.length === 0 ? '\nAll reproduced.' : `\nNot reproduced: ${failed.join(', ')}`)
    return failed.length === 0 ? 0 : 1
  },
})

function placeOf(places: readonly Place[], word: string): Place {
  const place = places.find(({ number, name }) => String(number) === word.replace(/^0+(?=\d)/, '') || name === word)
  if (place !== undefined) return place
  throw new WrongUsage(`There is no experiment '${word}'. There are: ${places.map(({ number }) => number).join(', ')}.`)
}

async function list(places: readonly Place[]): Promise<number> {
  for (const place of places) {
    const [{ question }, result] = [await loadExperiment(place), await readResult(place.folder)]
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

async function run({ name, folder }: Place): Promise<boolean> {
  const last = await readResult(folder)
  const temporary = await mkdtemp(join(tmpdir(), 'timesale-lab-'))
  // PostgreSQL runs as a user of its own where we are root.
  await chmod(temporary, 0o755)
  const began = performance.now()
  try {
    const end = await runOne(name, temporary)
    if (end === 'reproduced') return true
    // One that could say itself what went wrong has done so.
    if ((await readResult(folder))?.at === last?.at)
      await keepFailure(folder, last?.question ?? sameText(name), end, (performance.now() - began) / 1000)
    return false
  } finally {
    await rm(temporary, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** In a folder for all that it leaves behind when it is killed. Resolves to why it has not come to a good end. */
async function runOne(name: string, temporary: string): Promise<Text | 'reproduced'> {
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
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  clearTimeout(late)
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
  await writeFile(join(LAB, 'RESULTS.md'), resultsPage(entries, 'en'))
  await writeFile(join(LAB, 'RESULTS.ko.md'), resultsPage(entries, 'ko'))
}

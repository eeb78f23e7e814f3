import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand, WrongUsage } from '@timesale/local/commands/command-line'
import { killTree } from '@timesale/local/supervisor/end-process'
import { findProcess } from '@timesale/local/supervisor/process-table'
import { findExperiments, LAB, loadExperiment, type Place } from './framework/experiments.ts'
import { linesOf, readResult } from './framework/result.ts'

const usage = `npm run lab [-- NUMBERS | all] [OPTIONS]

Experiments that show, with numbers of this machine, what Kafka and Redis are for, and where they only cost. Without a number: the
questions, and how each was answered last. Each takes less than two minutes, starts what it needs and stops it again.

  NUMBERS        these experiments: npm run lab -- 3 5
  all            one after the other
  --help         this text

The last run of each is written to lab/RESULTS.md. Exit code 1 when something that is claimed was not reproduced here, or no work was done.`

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

async function run({ name }: Place): Promise<boolean> {
  const child = spawn(process.execPath, [join(LAB, 'run-one.ts'), name], { stdio: 'inherit' })
  const late = setTimeout(() => {
    console.error(`${name} has not ended after ${WITHIN_MS / 1000} s and is ended.`)
    // With its servers, which would be nobody's.
    const found = findProcess(child.pid ?? 0)
    if (found !== undefined) void killTree(found)
  }, WITHIN_MS)
  const [code] = (await once(child, 'exit')) as [number | null]
  clearTimeout(late)
  return code === 0
}

async function writeResults(places: readonly Place[]): Promise<void> {
  const parts = ['# Results', '', 'Written by `npm run lab`: the last run of each experiment.', '']
  for (const { name, folder } of places) {
    const result = await readResult(folder)
    if (result === undefined) continue
    const { question, at, seconds, machine, faults } = result
    const { cpu, cores, memoryGiB, system, node, commit } = machine
    parts.push(
      `## [${question.en}](${name}/README.md)`,
      '',
      `${faults.length === 0 ? 'Reproduced' : '**Not reproduced**'} on ${at.slice(0, 10)} in ${seconds} s; ${cores} cores of ${cpu}, ${memoryGiB} GiB, ${system}, Node ${node}${commit === undefined ? '' : `, commit ${commit}`}.`,
      '',
      ...linesOf(result),
      '',
    )
  }
  await writeFile(join(LAB, 'RESULTS.md'), parts.join('\n'))
}

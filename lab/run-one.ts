import { endDescendants } from '@timesale/local/supervisor/end-process'
import { watchParents } from '@timesale/local/supervisor/parent-watch'
import type { Outcome } from './framework/experiment.ts'
import { findExperiments, loadExperiment } from './framework/experiments.ts'
import { keepFailure, keepResult } from './framework/result.ts'
import { linesOf } from './framework/results-page.ts'

// One experiment in a process of its own, so that nothing of one is left for the next: `node lab/run-one.ts NAME`.

const REPEATS = 3

// Also after an error that nobody has caught: its servers would be nobody's.
process.on('exit', endDescendants)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1))
watchParents(() => process.exit(1))

const name = process.argv[2]
const place = (await findExperiments()).find((one) => one.name === name)
if (place === undefined) throw new Error(`There is no experiment ${name}`)
const { folder } = place
const { question, run } = await loadExperiment(place)
const began = performance.now()
const seconds = (): number => (performance.now() - began) / 1000
console.log(`\n${place.name}: ${question.en}`)
const outcome = await runOrFail()
const { faults } = await keepResult(folder, question, outcome, seconds())
console.log(linesOf(outcome, 'en').join('\n'))
console.log(faults.length === 0 ? 'Reproduced.' : `NOT reproduced:\n${faults.map(({ en }) => `  ${en}`).join('\n')}`)
process.exit(faults.length === 0 ? 0 : 1)

async function runOrFail(): Promise<Outcome> {
  try {
    return await run({
      say: (line) => console.log(`${seconds().toFixed(0).padStart(4)} s  ${line}`),
      repeats: REPEATS,
    })
  } catch (error) {
    console.error(error)
    const [reason = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
    const why = { en: `it has failed: ${reason}`, ko: `실험이 실패했다: ${reason}` }
    await keepFailure(folder, question, why, seconds())
    process.exit(1)
  }
}

import { findExperiments, loadExperiment } from './framework/experiments.ts'
import { keepResult, linesOf } from './framework/result.ts'

// One experiment in a process of its own, so that nothing of one is left for the next: `node lab/run-one.ts NAME`.

const REPEATS = 3

const name = process.argv[2]
const place = (await findExperiments()).find((one) => one.name === name)
if (place === undefined) throw new Error(`There is no experiment ${name}`)
const experiment = await loadExperiment(place)
const began = performance.now()
const seconds = (): number => (performance.now() - began) / 1000
console.log(`\n${place.name}: ${experiment.question.en}`)
const outcome = await experiment.run({
  say: (line) => console.log(`${seconds().toFixed(0).padStart(4)} s  ${line}`),
  repeats: REPEATS,
})
const { faults } = await keepResult(place.folder, experiment.question, outcome, seconds())
console.log(linesOf(outcome).join('\n'))
console.log(faults.length === 0 ? 'Reproduced.' : `NOT reproduced:\n${faults.map((fault) => `  ${fault}`).join('\n')}`)
process.exit(faults.length === 0 ? 0 : 1)

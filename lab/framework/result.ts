import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { chart } from './chart.ts'
import { faultsOf, type Outcome, type Text } from './experiment.ts'
import { describeMachine, type Machine } from './machine.ts'

/** `result.json` of an experiment: its last run. */
export interface Result extends Outcome {
  readonly question: Text
  readonly at: string
  readonly seconds: number
  /** Why it does not stand; empty where it does. */
  readonly faults: readonly Text[]
  readonly machine: Machine
}

/** Writes result.json, result.svg and result.ko.svg into the folder of the experiment. */
export async function keepResult(folder: string, question: Text, outcome: Outcome, seconds: number): Promise<Result> {
  const result = await keep(folder, { question, seconds, outcome, faults: faultsOf(outcome, seconds) })
  await writeFile(join(folder, 'result.svg'), chart(outcome.figures, 'en'))
  await writeFile(join(folder, 'result.ko.svg'), chart(outcome.figures, 'ko'))
  return result
}

/**
 * Of a run that has come to no outcome. In place of the last result, which would go on saying what this run has not shown; the
 * charts stay those of the last run that had figures.
 */
export async function keepFailure(folder: string, question: Text, why: Text, seconds: number): Promise<void> {
  await keep(folder, { question, seconds, outcome: { claims: [], figures: [], work: {} }, faults: [why] })
}

async function keep(
  folder: string,
  { question, seconds, outcome, faults }: { question: Text; seconds: number; outcome: Outcome; faults: Text[] },
): Promise<Result> {
  const result: Result = {
    ...{ question, at: new Date().toISOString(), seconds: Math.round(seconds) },
    ...{ faults, ...outcome, machine: describeMachine() },
  }
  await writeFile(join(folder, 'result.json'), `${JSON.stringify(result, null, 2)}\n`)
  return result
}

/** Undefined where the experiment has not been run yet. */
export async function readResult(folder: string): Promise<Result | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, 'result.json'), 'utf8')) as Result
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

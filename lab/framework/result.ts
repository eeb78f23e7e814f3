import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { chart, median, shown } from './chart.ts'
import { faultsOf, type Outcome, type Text } from './experiment.ts'
import { describeMachine, type Machine } from './machine.ts'

/** `result.json` of an experiment: its last run. */
export interface Result extends Outcome {
  readonly question: Text
  readonly at: string
  readonly seconds: number
  /** Why it does not stand; empty where it does. */
  readonly faults: readonly string[]
  readonly machine: Machine
}

/** Writes result.json, result.svg and result.ko.svg into the folder of the experiment. */
export async function keepResult(folder: string, question: Text, outcome: Outcome, seconds: number): Promise<Result> {
  const result: Result = {
    ...{ question, at: new Date().toISOString(), seconds: Math.round(seconds) },
    ...{ faults: faultsOf(outcome), ...outcome, machine: describeMachine() },
  }
  await writeFile(join(folder, 'result.json'), `${JSON.stringify(result, null, 2)}\n`)
  await writeFile(join(folder, 'result.svg'), chart(outcome.figures, 'en'))
  await writeFile(join(folder, 'result.ko.svg'), chart(outcome.figures, 'ko'))
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

/** A result for a terminal and for RESULTS.md: claims with their numbers, and figures with median and range. */
export function linesOf({ claims, figures, work }: Outcome): string[] {
  return [
    ...claims.map(({ text, holds, because }) => `- ${holds ? '✔' : '✖'} ${text.en}: ${because}`),
    ...figures.flatMap(({ title, unit, bars }) => [
      `- ${title.en} (${unit}): ${bars.map(({ side, values }) => `${side.en} ${rangeOf(values)}`).join('; ')}`,
    ]),
    `- counted: ${Object.entries(work)
      .map(([what, count]) => `${what} ${shown(count)}`)
      .join(', ')}`,
  ]
}

function rangeOf(values: readonly number[]): string {
  if (values.length < 2) return shown(median(values))
  return `${shown(median(values))} [${shown(Math.min(...values))} to ${shown(Math.max(...values))}]`
}

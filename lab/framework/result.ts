import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { writeWhole } from '@timesale/local/infrastructure/made-whole'
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
  await writeWhole(join(folder, 'result.svg'), chart(outcome.figures, 'en'))
  await writeWhole(join(folder, 'result.ko.svg'), chart(outcome.figures, 'ko'))
  return result
}

/**
 * Of a run that has come to no outcome. In place of the last result, which would go on saying what this run has not shown; the
 * charts stay those of the last run that had figures.
 */
export async function keepFailure(folder: string, question: Text, why: Text, seconds: number): Promise<void> {
  await keep(folder, { question, seconds, outcome: { claims: [], figures: [], work: [] }, faults: [why] })
}

async function keep(
  folder: string,
  { question, seconds, outcome, faults }: { question: Text; seconds: number; outcome: Outcome; faults: Text[] },
): Promise<Result> {
  const result: Result = {
    ...{ question, at: new Date().toISOString(), seconds: Math.round(seconds) },
    ...{ faults, ...outcome, machine: describeMachine() },
  }
  await writeWhole(join(folder, 'result.json'), `${JSON.stringify(result, null, 2)}\n`)
  return result
}

/** Undefined where the experiment has not been run yet, and where the file is broken, which is told with the reason. */
export async function readResult(
  folder: string,
  tellBroken: (why: string) => void = () => undefined,
): Promise<Result | undefined> {
  try {
    return parseResult(await readFile(join(folder, 'result.json'), 'utf8'))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT') tellBroken(message)
    return undefined
  }
}

function parseResult(text: string): Result {
  const parsed: unknown = JSON.parse(text)
  const [wrong] = resultFile.Errors(parsed)
  if (wrong !== undefined) throw new Error(`${wrong.instancePath === '' ? 'it' : wrong.instancePath} ${wrong.message}`)
  // Checked just now, but for its nulls.
  return JSON.parse(text, (_key, value: unknown) => value ?? Number.NaN) as Result
}

const SomeText = Type.Object({ en: Type.String(), ko: Type.String() })
/** JSON has no NaN, which a run that saw nothing may have come to: null stands for it. */
const Measured = Type.Union([Type.Number(), Type.Null()])

const resultFile = Compile(
  Type.Object({
    question: SomeText,
    at: Type.String(),
    seconds: Type.Number(),
    faults: Type.Array(SomeText),
    claims: Type.Array(Type.Object({ text: SomeText, holds: Type.Boolean(), because: SomeText })),
    figures: Type.Array(
      Type.Object({
        title: SomeText,
        unit: SomeText,
        bars: Type.Array(Type.Object({ side: SomeText, values: Type.Array(Measured) })),
      }),
    ),
    work: Type.Array(Type.Object({ what: SomeText, count: Measured })),
    machine: Type.Object({
      cpu: Type.String(),
      cores: Type.Number(),
      memoryGiB: Type.Number(),
      system: Type.String(),
      node: Type.String(),
      commit: Type.Optional(Type.String()),
      isChanged: Type.Optional(Type.Boolean()),
    }),
  }),
)

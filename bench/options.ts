import { FIGURES, type FigureName } from './figures/catalogue.ts'
import { parseCommandLine, wholeNumber, WrongUsage } from '@timesale/local/commands/command-line'

export interface BenchOptions {
  readonly names: readonly FigureName[]
  readonly rounds: number
  /** Seconds of load of one sample of `pipeline`. */
  readonly seconds: number
  /** Length of one sample of requests. */
  readonly sampleMs: number
  readonly json: string | undefined
  readonly list: boolean
  readonly help: boolean
}

const ROUNDS = 3
const SECONDS = 30
const SAMPLE_MS = 2_000

/** Strict: what is not known is an error that names it. Names come in the order of the catalogue, each once. */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values, words } = parseCommandLine(
    args,
    {
      json: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      'sample-ms': { type: 'string' },
      list: { type: 'boolean' },
    },
    FIGURES.length,
  )
  const unknown = words.filter((word) => !FIGURES.some(({ name }) => name === word))
  if (unknown.length > 0) throw new WrongUsage(`There is no figure '${unknown.join("', '")}' (--list names them)`)
  const names = FIGURES.map(({ name }) => name).filter((name) => words.length === 0 || words.includes(name))
  const number = (name: 'rounds' | 'seconds' | 'sample-ms', usual: number, max: number): number => {
    const text = values[name]
    return text === undefined ? usual : wholeNumber(name, text, { min: 1, max })
  }
  return {
    names,
    rounds: number('rounds', ROUNDS, 99),
    seconds: number('seconds', SECONDS, 600),
    sampleMs: number('sample-ms', SAMPLE_MS, 60_000),
    json: values.json,
    list: values.list === true,
    help: values.help === true,
  }
}

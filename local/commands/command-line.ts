import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'

export interface Asked<Values> {
  readonly values: Values
  readonly words: readonly string[]
}

/** A command line that cannot be understood; ends the command with exit code 2. */
export class WrongUsage extends Error {
  override readonly name = 'WrongUsage'
}

type OptionKinds = Readonly<Record<string, { type: 'string' | 'boolean'; short?: string; multiple?: true }>>
type ValuesOf<Options extends OptionKinds> = {
  readonly [Name in keyof Options]?: ValueOf<Options[Name]>
}

/** Given more than once, the last one counts; of a `multiple` option all do. */
type ValueOf<Kind extends OptionKinds[string]> = Kind extends { multiple: true }
  ? readonly string[]
  : Kind['type'] extends 'boolean'
    ? boolean
    : string

const help = { help: { type: 'boolean', short: 'h' } } as const

/** Strict: an option or a word that is not known is an error that names it. */
export function parseCommandLine<const Options extends OptionKinds>(
  args: readonly string[],
  options: Options,
  wordsMax: number,
): Asked<ValuesOf<Options & typeof help>> {
  const config: ParseArgsOptionsConfig = { ...options, ...help }
  const parsed = parse(args, config)
  const tooMuch = parsed.positionals[wordsMax]
  if (tooMuch !== undefined && parsed.values['help'] !== true) throw new WrongUsage(`Unexpected argument '${tooMuch}'`)
  // The names and kinds of the values are those of `options`, which parseArgs' own types lose on the way.
  return { values: parsed.values as ValuesOf<Options & typeof help>, words: parsed.positionals }
}

function parse(args: readonly string[], options: ParseArgsOptionsConfig) {
  try {
    return parseArgs({ args: withoutComment(args), options, allowPositionals: true, strict: true })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new WrongUsage(message.split(/\. (?=To )|\n/)[0] ?? message)
  }
}

/** What stands before a `#` of its own: an interactive zsh hands comments on as arguments. */
export function withoutComment(args: readonly string[]): string[] {
  const comment = args.indexOf('#')
  return comment === -1 ? [...args] : args.slice(0, comment)
}

export function wholeNumber(name: string, text: string, range: { min: number; max: number }): number {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (number >= range.min && number <= range.max) return number
  throw new WrongUsage(`Option '--${name}' must be a whole number from ${range.min} to ${range.max}, not '${text}'`)
}

/** What a person can mend: the message says what and how, and a stack trace would only hide it. */
export class Complaint extends Error {
  override readonly name = 'Complaint'
}

/** A command's main: help, errors of usage and complaints are told alike everywhere. */
export async function runCommand<const Options extends OptionKinds>(command: {
  readonly usage: string
  readonly options: Options
  readonly wordsMax?: number
  readonly run: (asked: Asked<ValuesOf<Options & typeof help>>) => Promise<number>
}): Promise<void> {
  await runAndExplain(command.usage, async () => {
    const asked = parseCommandLine(process.argv.slice(2), command.options, command.wordsMax ?? 0)
    if (asked.values.help !== true) return await command.run(asked)
    console.log(command.usage)
    return 0
  })
}

/** 128 and the number of SIGPIPE, as shells have it of a command whose reader has gone, as in `| head`. */
const READER_IS_GONE = 141

function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
  process.exit(READER_IS_GONE)
}

/** For a command that reads its arguments itself. Its result is the exit code. */
export async function runAndExplain(usage: string, run: () => Promise<number>): Promise<void> {
  process.stdout.on('error', endWithReader)
  try {
    process.exitCode = await run()
  } catch (error) {
    const known = error instanceof WrongUsage || error instanceof Complaint
    console.error(known ? error.message : error)
    if (error instanceof WrongUsage) console.error(`Usage: ${usage.split('\n')[0]}   (--help says more)`)
    process.exitCode = error instanceof WrongUsage ? 2 : 1
  }
}

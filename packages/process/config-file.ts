import { readFile } from 'node:fs/promises'
import { parseEnv } from 'node:util'
import { NoConfiguration, readSettings, type Settings } from './config-values.ts'

/** Settings from a file of JSON (an object) or of KEY=value lines. Throws NoConfiguration, which repeats nothing of it. */
export async function readConfigFile(path: string): Promise<Settings> {
  const text = await readText(path)
  if (text.trim() === '') return {}
  if (!text.trimStart().startsWith('{')) {
    const wrong = wrongLine(text)
    if (wrong === undefined) return readSettings(parseEnv(text))
    // By its number: its text may be a password.
    throw new NoConfiguration(
      `The file ${path} (CONFIG_FILE) has neither JSON nor lines of KEY=value: line ${wrong} is none, nor a comment.`,
    )
  }
  let value: object
  try {
    value = JSON.parse(text) as object
  } catch {
    // The parser's own message quotes what it stumbled over, which may be a password.
    throw new NoConfiguration(`The file ${path} (CONFIG_FILE) begins like JSON and is none.`)
  }
  return readSettings(value)
}

async function readText(path: string): Promise<string> {
  try {
    // Some editors begin a file with a byte order mark.
    return (await readFile(path, 'utf8')).replace(/^\uFEFF/, '')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'there is no such file' : String(code)
    throw new NoConfiguration(`The file ${path} (CONFIG_FILE) cannot be read: ${why}.`)
  }
}

const QUOTED = /^([^#=\n]+=[^\S\n]*)(["'`])[^]*?\2/gm
const LINE = /^\s*($|#|(export\s+)?[\w.[\]-]+\s*=)/

/** The number of the first line that says nothing to parseEnv, which would pass it over; from 1. */
function wrongLine(text: string): number | undefined {
  // What is quoted may go over several lines, which are the value's own.
  const bare = text.replaceAll(QUOTED, (whole, key: string) => key + '\n'.repeat(whole.split('\n').length - 1))
  const index = bare.split('\n').findIndex((line) => !LINE.test(line))
  return index === -1 ? undefined : index + 1
}

import { readFile } from 'node:fs/promises'
import { parseEnv } from 'node:util'
import { NoConfiguration, readSettings, type Settings } from './config-values.ts'

/** Settings from a file of JSON (an object) or of KEY=value lines. Throws NoConfiguration, which repeats nothing of it. */
export async function readConfigFile(path: string): Promise<Settings> {
  const text = await readText(path)
  if (text.trim() === '') return {}
  if (!text.trimStart().startsWith('{')) {
    const lines = readSettings(parseEnv(text))
    if (Object.keys(lines).length > 0 || isComment(text)) return lines
    throw new NoConfiguration(`The file ${path} (CONFIG_FILE) has neither JSON nor lines of KEY=value.`)
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
    return await readFile(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'there is no such file' : String(code)
    throw new NoConfiguration(`The file ${path} (CONFIG_FILE) cannot be read: ${why}.`)
  }
}

function isComment(text: string): boolean {
  return text.split('\n').every((line) => line.trim() === '' || line.trim().startsWith('#'))
}

import { readdirSync } from 'node:fs'
import { join } from 'node:path'

export const repositoryRoot = join(import.meta.dirname, '..')

/** Of files and folders: they fit everything, and so say nothing. */
export const BANNED_NAMES =
  /^(index|utils?|helpers?|common|shared|misc|manager|processor|base|impl|types|constants)(\.[a-z.]+)?$/

/** Folders of what is installed or built. */
const MADE: ReadonlySet<string> = new Set(['node_modules', 'dist'])

/** Every file of the project whose name ends so, by its path from the root. Not what is installed, fetched or made at run time. */
export function repositoryFiles(extensions: readonly string[], folder = ''): string[] {
  return readdirSync(join(repositoryRoot, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    // Data, caches and the repository's own bookkeeping are all in folders that begin with a dot.
    if (entry.isDirectory()) {
      return MADE.has(entry.name) || entry.name.startsWith('.') ? [] : repositoryFiles(extensions, path)
    }
    return extensions.some((extension) => entry.name.endsWith(extension)) ? [path] : []
  })
}

/** The line of a text on which a position lies, counted from 1. */
export function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}

/** Prints what is wrong, and ends with exit code 1 if anything is. */
export function report(problems: readonly string[], looked: string): void {
  for (const problem of problems) console.error(problem)
  if (problems.length > 0) process.exitCode = 1
  console.log(`${problems.length === 0 ? 'ok' : `${problems.length} problems`}: ${looked}`)
}

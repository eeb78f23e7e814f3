import { execFileSync } from 'node:child_process'
import { availableParallelism, cpus, release, totalmem, type } from 'node:os'

/** What a result was measured on. */
export interface Machine {
  readonly cpu: string
  /** That may be used, of all there are. */
  readonly cores: number
  readonly memoryGiB: number
  readonly system: string
  readonly node: string
  /** Of the code; absent where there is no git. */
  readonly commit?: string
  /** The code was not quite that of the commit. */
  readonly isChanged?: boolean
}

export function describeMachine(): Machine {
  const commit = readCommit()
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
    ...(commit === undefined ? {} : { commit, isChanged: readChanges() !== '' }),
  }
}

function readCommit(): string | undefined {
  return git('rev-parse', '--short', 'HEAD')
}

/** Of anything but results, which each run changes. */
function readChanges(): string | undefined {
  const results = ['lab/*/result.json', 'lab/*/result*.svg', 'lab/RESULTS*.md']
  return git('status', '--porcelain', '--', ':(top)', ...results.map((path) => `:(top,exclude)${path}`))
}

function git(...args: string[]): string | undefined {
  try {
    return execFileSync('git', args, {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return undefined
  }
}

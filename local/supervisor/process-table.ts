import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** One process, told apart from a later one that was given the same pid. */
export interface ProcessId {
  readonly pid: number
  /** Compared only, never read as a time: its form differs between systems. */
  readonly startTime: string
}

export interface ProcessRow extends ProcessId {
  readonly parent: number
  /** Dead and not yet reaped: in a container without an init such a process stays for ever, so it counts as gone. */
  readonly zombie: boolean
  readonly name: string
}

const onLinux = process.platform === 'linux'

export function findProcess(pid: number): ProcessRow | undefined {
  if (!onLinux) return parsePs(ps(['-p', String(pid)]))[0]
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return undefined
  }
}

export function isAlive(id: ProcessId): boolean {
  const row = findProcess(id.pid)
  return row !== undefined && !row.zombie && row.startTime === id.startTime
}

/** The process and everything below it, parents first; empty once it is gone. */
export function processTree(root: ProcessId): ProcessRow[] {
  return isAlive(root) ? treeOf(root.pid, allProcesses()) : []
}

export function treeOf(root: number, rows: readonly ProcessRow[]): ProcessRow[] {
  const tree = rows.filter((row) => row.pid === root && !row.zombie)
  // The array grows while it is walked: children are appended behind their parents.
  for (const parent of tree) {
    tree.push(...rows.filter((row) => row.parent === parent.pid && row.pid !== root && !row.zombie))
  }
  return tree
}

function allProcesses(): ProcessRow[] {
  if (!onLinux) return parsePs(ps(['-ax']))
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.map((pid) => findProcess(Number(pid))).filter((row) => row !== undefined)
}

export function commandLine(pid: number): string {
  try {
    const text = onLinux
      ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      : execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' })
    return text.trim()
  } catch {
    return ''
  }
}

/**
 * PSS on Linux: pages that processes share are counted once, so that PostgreSQL's backends do not each claim the
 * shared buffers. macOS has no such figure, and RSS stands in.
 */
export function memoryBytes(rows: readonly ProcessRow[]): number {
  if (rows.length === 0) return 0
  if (onLinux) return rows.reduce((sum, row) => sum + pssBytes(row.pid), 0)
  try {
    const kilobytes = execFileSync('ps', ['-o', 'rss=', '-p', rows.map((row) => row.pid).join(',')], {
      encoding: 'utf8',
    })
    return kilobytes.split('\n').reduce((sum, line) => sum + Number(line) * 1024, 0)
  } catch {
    return 0
  }
}

function pssBytes(pid: number): number {
  try {
    return parsePss(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))
  } catch {
    return 0
  }
}

export function parsePss(smapsRollup: string): number {
  return Number(/^Pss:\s+(\d+) kB$/m.exec(smapsRollup)?.[1] ?? 0) * 1024
}

/** `/proc/<pid>/stat`, whose second field is a name that may hold blanks and parentheses itself. */
export function parseStat(text: string): ProcessRow | undefined {
  const nameStart = text.indexOf('(')
  const nameEnd = text.lastIndexOf(')')
  if (nameStart < 0 || nameEnd < nameStart) return undefined
  // What follows the name begins with field 3; 4 is the parent, 22 the start in clock ticks since the system's boot.
  const fields = text
    .slice(nameEnd + 2)
    .trim()
    .split(' ')
  const [state, parent, ticks] = [fields[0], fields[1], fields[19]]
  if (state === undefined || parent === undefined || ticks === undefined) return undefined
  return {
    pid: Number(text.slice(0, nameStart)),
    parent: Number(parent),
    zombie: state === 'Z' || state === 'X',
    name: text.slice(nameStart + 1, nameEnd),
    startTime: `${bootId()}:${ticks}`,
  }
}

let bootIdRead: string | undefined

// Ticks start anew with each boot, when low pids are given out in much the same order again.
function bootId(): string {
  if (bootIdRead !== undefined) return bootIdRead
  try {
    bootIdRead = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8)
  } catch {
    bootIdRead = ''
  }
  return bootIdRead
}

function ps(which: readonly string[]): string {
  try {
    const columns = 'pid=,ppid=,state=,lstart=,comm='
    return execFileSync('ps', [...which, '-o', columns], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  } catch {
    return '' // ps ends with 1 when there is no such process.
  }
}

/** `ps -o pid=,ppid=,state=,lstart=,comm=`, where lstart is a date of five words. */
export function parsePs(text: string): ProcessRow[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(\S+\s+\S+\s+\d+\s+[\d:]+\s+\d{4})\s+(.+)$/.exec(line)
    if (match === null) return []
    const [, pid, parent, state = '', startTime = '', name = ''] = match
    return [{ pid: Number(pid), parent: Number(parent), zombie: state.startsWith('Z'), startTime, name: name.trim() }]
  })
}

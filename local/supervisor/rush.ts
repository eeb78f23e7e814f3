import { spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import type { RushView, StartRush } from '@timesale/contracts/console-api'
import { Complaint } from '../commands/command-line.ts'
import { compiledCode } from '../shop/compiled-code.ts'
import { cloneRoot } from '../shop/data-folder.ts'
import { endProcess } from './end-process.ts'
import type { PidRecord } from './pid-record.ts'
import { findProcess } from './process-table.ts'
import { verdictOf } from './rush-verdict.ts'

export interface RushOptions {
  /** Of the shop to which the buyers come. */
  readonly dataFolder: string
  readonly pids: PidRecord
  /** Whether buyers have to come in by the gateway. */
  readonly needsToken: () => Promise<boolean>
  /** Another program, in tests. */
  readonly program?: string
}

const STOP_WITHIN_MS = 5_000
const LINES_KEPT = 12
const ANSWER_BYTES_MAX = 4 * 1024 * 1024
const BY_DEFAULT = { buyers: 5_000, units: 500, perSecond: 500 }

/** A rush of buyers against the shop, as a process of its own: one at a time, and none after the shop is stopped. */
export class Rush {
  readonly #options: RushOptions
  #view: RushView | undefined
  #child: ChildProcess | undefined
  #over: Promise<void> = Promise.resolve()
  #isBeginning = false
  #isClosed = false
  #isStopped = false

  constructor(options: RushOptions) {
    this.#options = options
  }

  /** The last one that was begun; null before the first. */
  get latest(): RushView | null {
    return this.#view ?? null
  }

  /** Throws a Complaint while one runs. */
  async start(wanted: StartRush): Promise<RushView> {
    if (this.#child !== undefined || this.#isBeginning)
      throw new Complaint('A rush is running. Stop it, or wait for its end.')
    this.#isBeginning = true
    try {
      const asked = { ...BY_DEFAULT, seed: randomInt(1_000_000), ...wanted }
      const needsToken = await this.#options.needsToken()
      if (this.#isClosed) throw new Complaint('The shop is being stopped.')
      return this.#run(asked, needsToken)
    } finally {
      this.#isBeginning = false
    }
  }

  /** Throws a Complaint where none runs. Resolves when it has ended. */
  async stop(): Promise<RushView | null> {
    if (this.#child === undefined) throw new Complaint('No rush is running.')
    await this.#end()
    return this.latest
  }

  /** None runs when this resolves, and none is begun any more. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#end()
  }

  async #end(): Promise<void> {
    const row = this.#child?.pid === undefined ? undefined : findProcess(this.#child.pid)
    this.#isStopped = true
    if (row !== undefined) await endProcess(row, { signal: 'SIGTERM', timeoutMs: STOP_WITHIN_MS })
    await this.#over
  }

  #run({ buyers, units, perSecond, seed }: Required<StartRush>, needsToken: boolean): RushView {
    const { program = join(cloneRoot, 'sale', 'command.ts'), dataFolder, pids } = this.#options
    const numbers = { buyers, units, rate: perSecond, seed }
    const child = spawn(
      process.execPath,
      [
        ...[program, '--json', '--progress', '--data', dataFolder],
        ...Object.entries(numbers).flatMap(([name, number]) => [`--${name}`, String(number)]),
        ...(needsToken ? ['--through', 'gateway'] : []),
      ],
      // A group of its own, so that Ctrl-C reaches the supervisor alone, which ends it.
      {
        cwd: cloneRoot,
        env: { ...process.env, NODE_COMPILE_CACHE: compiledCode },
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      },
    )
    const row = child.pid === undefined ? undefined : findProcess(child.pid)
    // For the next start, should this supervisor be killed.
    if (row !== undefined) {
      const { pid, startTime } = row
      pids.set({ pid, startTime, part: 'rush', kind: 'service', stopSignal: 'SIGTERM', stopTimeoutMs: STOP_WITHIN_MS })
    }
    this.#isStopped = false
    this.#child = child
    const id = (this.#view?.id ?? 0) + 1
    const view: RushView = {
      ...{ id, state: 'running', startedAt: new Date().toISOString(), endedAt: null },
      ...{ buyers, units, seed, says: [] },
    }
    this.#view = view
    this.#over = this.#follow(child, view)
    return view
  }

  async #follow(child: ChildProcessByStdio<null, Readable, Readable>, begun: RushView): Promise<void> {
    let [answer, lines]: [string, string[]] = ['', []]
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      if (answer.length < ANSWER_BYTES_MAX) answer += piece
    })
    createInterface({ input: child.stderr }).on('line', (line) => {
      const text = stripVTControlCharacters(line).trimEnd()
      if (text !== '') lines = [...lines, text].slice(-LINES_KEPT)
      this.#view = { ...begun, says: lines }
    })
    try {
      // All that it has said has come by then.
      await once(child, 'close')
    } catch (error) {
      lines = [`It could not be started: ${String(error)}`]
    }
    const ended = this.#isStopped ? ({ state: 'stopped', says: lines } as const) : verdictOf(answer, lines)
    this.#view = { ...begun, ...ended, endedAt: new Date().toISOString() }
    this.#child = undefined
    this.#options.pids.delete('rush')
  }
}

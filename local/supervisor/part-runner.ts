import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { endProcess, killGroup, killTree, pauseTree, resumeTree } from './end-process.ts'
import { sizeOf } from './log-tail.ts'
import type { Launch, Part } from '../part.ts'
import { after, backoffMs, initialSituation, type PartEvent, type PartState } from './part-state.ts'
import type { PidRecord } from './pid-record.ts'
import { findProcess, type ProcessId } from './process-table.ts'

const READY_POLL_MS = 100

interface RunnerSurroundings {
  readonly logFile: string
  readonly pids: PidRecord
  /** What a person should know of the part. */
  readonly say: (part: string, text: string, level?: 'warn') => void
}

/** One part's process: started, watched, started again when it dies by itself, paused, ended. */
export class PartRunner {
  readonly part: Part
  /** Where the log of this supervisor's time begins in a file that holds earlier starts as well. */
  readonly logFrom: number
  readonly #surroundings: RunnerSurroundings
  #situation = initialSituation
  #process: ProcessId | undefined
  #lastDeath = ''
  #restartTimer: NodeJS.Timeout | undefined
  #spawning = false
  #watchers: (() => void)[] = []

  constructor(part: Part, surroundings: RunnerSurroundings) {
    this.part = part
    this.#surroundings = surroundings
    this.logFrom = sizeOf(surroundings.logFile)
  }

  get state(): PartState {
    return this.#situation.state
  }

  get pid(): number | null {
    return this.#process?.pid ?? null
  }

  get deaths(): number {
    return this.#situation.deaths
  }

  get lastDeath(): string {
    return this.#lastDeath
  }

  /** Wanted up from now on. A part that waits for its next try is tried at once. */
  async start(): Promise<void> {
    if (this.#situation.wanted === 'down' && this.#process !== undefined) await this.#goneFrom(this.#process)
    this.#apply({ kind: 'start' })
    clearTimeout(this.#restartTimer)
    if (this.#process === undefined) await this.#spawn()
  }

  /** Down until it is started again. */
  async stop(hurry?: AbortSignal): Promise<'ended' | 'killed'> {
    this.#wantDown()
    const running = this.#process
    if (running === undefined) return 'ended'
    const { stopSignal: signal, stopTimeoutMs: timeoutMs } = this.part
    const how = await endProcess(running, { signal, timeoutMs, ...(hurry === undefined ? {} : { hurry }) })
    await this.#goneFrom(running)
    return how
  }

  async kill(): Promise<void> {
    this.#wantDown()
    const running = this.#process
    if (running === undefined) return
    await killTree(running)
    await this.#goneFrom(running)
  }

  pause(): void {
    if (this.#process === undefined) return
    pauseTree(this.#process)
    this.#apply({ kind: 'pause' })
  }

  resume(): void {
    if (this.#process === undefined) return
    resumeTree(this.#process)
    this.#apply({ kind: 'resume' })
  }

  /** True as soon as `wanted` holds, false when it does not within the time. */
  async until(wanted: () => boolean, timeoutMs: number): Promise<boolean> {
    const late = Symbol('late')
    const timer = sleep(timeoutMs, late, { ref: false })
    while (!wanted()) {
      const changed = new Promise<void>((resolve) => this.#watchers.push(resolve))
      if ((await Promise.race([changed, timer])) === late) return wanted()
    }
    return true
  }

  #wantDown(): void {
    this.#apply({ kind: 'stop' })
    clearTimeout(this.#restartTimer)
    if (this.#process === undefined) this.#apply({ kind: 'died', ranMs: 0 })
  }

  async #goneFrom(process: ProcessId): Promise<void> {
    await this.until(() => this.#process !== process, 10_000)
  }

  async #spawn(): Promise<void> {
    if (this.#spawning) return
    this.#spawning = true
    try {
      const launch = await this.part.launch()
      // Stopped while the launch was made up.
      if (this.#situation.wanted === 'up' && this.#process === undefined) this.#run(launch)
    } catch (error) {
      this.#died(error instanceof Error ? error.message : String(error), 0)
    } finally {
      this.#spawning = false
    }
  }

  #run(launch: Launch): void {
    // The file itself and not a pipe through us: a dead supervisor must not block a part that writes.
    const log = openSync(this.#surroundings.logFile, 'a')
    const child = spawn(launch.file, launch.args, {
      cwd: launch.cwd,
      env: launch.env,
      stdio: ['ignore', log, log],
      // A group of its own, so that Ctrl-C reaches the supervisor alone and parts are ended in order.
      detached: true,
      ...(launch.uid === undefined ? {} : { uid: launch.uid }),
      ...(launch.gid === undefined ? {} : { gid: launch.gid }),
    })
    closeSync(log)
    const started = performance.now()
    const { pid } = child
    if (pid === undefined) {
      child.once('error', (error) => this.#died(`cannot be started: ${error.message}`, 0))
      return
    }
    // One that is dead already is still in the table, since its end was not yet taken note of.
    const running: ProcessId = { pid, startTime: findProcess(pid)?.startTime ?? '' }
    const { name: part, kind, stopSignal, stopTimeoutMs } = this.part
    this.#process = running
    this.#surroundings.pids.set({ ...running, part, kind, stopSignal, stopTimeoutMs })
    child.once('exit', (code, signal) => {
      killGroup(pid)
      this.#process = undefined
      this.#surroundings.pids.delete(part)
      this.#died(
        signal === null ? `ended with exit code ${code ?? '?'}` : `was ended by ${signal}`,
        performance.now() - started,
      )
    })
    this.#changed()
    void this.#awaitReady(running, started)
  }

  async #awaitReady(running: ProcessId, started: number): Promise<void> {
    while (this.#process === running) {
      const ready = await this.part.ready()
      if (this.#process !== running) return
      if (ready) {
        const again = this.#situation.state === 'restarting'
        if (this.#apply({ kind: 'ready' })) {
          const seconds = ((performance.now() - started) / 1000).toFixed(1)
          this.#surroundings.say(
            this.part.name,
            `${again ? 'is back' : 'is ready'} on port ${this.part.port} after ${seconds} s`,
          )
        }
        return
      }
      await sleep(READY_POLL_MS)
    }
  }

  #died(how: string, ranMs: number): void {
    this.#lastDeath = how
    this.#apply({ kind: 'died', ranMs })
    if (this.#situation.state !== 'restarting') return
    const delay = backoffMs(this.#situation.deaths)
    this.#surroundings.say(this.part.name, `${how}; it is started again in ${delay / 1000} s`, 'warn')
    this.#restartTimer = setTimeout(() => void this.#spawn(), delay)
  }

  #apply(event: PartEvent): boolean {
    const before = this.#situation
    this.#situation = after(before, event)
    this.#changed()
    return this.#situation !== before
  }

  #changed(): void {
    const watchers = this.#watchers
    this.#watchers = []
    for (const watcher of watchers) watcher()
  }
}

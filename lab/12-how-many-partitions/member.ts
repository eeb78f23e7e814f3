import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { until } from '@timesale/testkit/until'
import type { Given, Order, Pace, Told } from './program.ts'

/** Six at once, on a busy machine. */
const READY_WITHIN_MS = 60_000

/** program.ts, a consumer in a process of its own. */
export class Member implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #reading = new Set<number>()
  #state: 'starting' | 'out' | 'in' | 'leaving' = 'starting'
  #joins = 0

  constructor(given: Given) {
    this.#child = fork(join(import.meta.dirname, 'program.ts'), [JSON.stringify(given)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#child.on('message', (told: Told) => this.#hear(told))
  }

  /** How often it was let into a group: also when it was there, and others came or went. */
  get joins(): number {
    return this.#joins
  }

  /** Partitions of which it has worked off something since it was last let in. */
  get reading(): ReadonlySet<number> {
    return this.#reading
  }

  async ready(): Promise<void> {
    await until('a member is ready', () => this.#state !== 'starting', READY_WITHIN_MS)
  }

  join(topic: string, group: string): void {
    this.#state = 'in'
    this.#send({ join: { topic, group } })
  }

  setPace(pace: Pace): void {
    this.#send({ pace })
  }

  /** Tells the group that it goes. */
  leave(): void {
    this.#state = 'leaving'
    this.#reading.clear()
    this.#send({ leave: true })
  }

  async hasLeft(): Promise<void> {
    await until('a member has left', () => this.#state === 'out')
  }

  /** Tells nobody. */
  async kill(): Promise<void> {
    this.#reading.clear()
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await gone
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill()
  }

  #hear(told: Told): void {
    if (told === 'ready' || told === 'left') this.#state = 'out'
    else if (told === 'joined') {
      this.#joins += 1
      this.#reading.clear()
      // What it says on its way out is of no meaning any more.
    } else if (this.#state === 'in') this.#reading.add(told.reading)
  }

  #send(order: Order): void {
    this.#child.send(order)
  }
}

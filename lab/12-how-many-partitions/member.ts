import { join } from 'node:path'
import { until } from '@timesale/testkit/until'
import { startChild, type ChildProgram } from '../framework/child-program.ts'
import type { Given, Order, Pace, Told } from './program.ts'

/** program.ts, a consumer in a process of its own. */
export class Member implements AsyncDisposable {
  readonly #name: string
  readonly #program: ChildProgram<Told>
  readonly #reading = new Set<number>()
  #state: 'out' | 'in' | 'leaving' = 'out'
  #joins = 0

  constructor(given: Given) {
    this.#name = given.name
    this.#program = startChild<Told>(join(import.meta.dirname, 'program.ts'), given, (told) => this.#hear(told))
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
    await this.#program.heard('it is ready', (told) => told === 'ready')
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
    await Promise.race([until('a member has left', () => this.#state === 'out'), this.untilItEnds()])
  }

  /** Rejects when it has come to its end by itself. For what takes less than a minute: a `ChildProgram` is not awaited for longer. */
  async untilItEnds(): Promise<never> {
    const cause = await this.#program.finished().catch((error: unknown) => error)
    throw new Error(`${this.#name} has ended, which nobody had told it to`, { cause })
  }

  /** Tells nobody. */
  async kill(): Promise<void> {
    this.#reading.clear()
    await this.#program.kill()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill()
  }

  #hear(told: Told): void {
    if (told === 'left') this.#state = 'out'
    else if (told === 'joined') {
      this.#joins += 1
      this.#reading.clear()
      // What it says on its way out is of no meaning any more.
    } else if (told !== 'ready' && this.#state === 'in') this.#reading.add(told.reading)
  }

  #send(order: Order): void {
    this.#program.send(order)
  }
}

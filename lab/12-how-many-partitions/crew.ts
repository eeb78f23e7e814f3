import { Offsets } from '@timesale/testkit/offsets'
import { until } from '@timesale/testkit/until'
import { Member } from './member.ts'
import type { Pace } from './program.ts'

/** More cannot be seen to help on two cores. */
export const MEMBERS = 6

const READ_AGAIN_WITHIN_MS = 50_000

/** Consumers that are in a group together, or not at the moment. */
export class Crew implements AsyncDisposable {
  readonly #brokers: string
  #members: readonly Member[]

  static async start(brokers: string, postgresUrl: string): Promise<Crew> {
    const members = Array.from(
      { length: MEMBERS },
      (_, index) => new Member({ name: `member-${index + 1}`, brokers, postgresUrl }),
    )
    const crew = new Crew(brokers, members)
    try {
      await Promise.all(members.map((member) => member.ready()))
    } catch (error) {
      await crew[Symbol.asyncDispose]()
      throw error
    }
    return crew
  }

  private constructor(brokers: string, members: readonly Member[]) {
    this.#brokers = brokers
    this.#members = members
  }

  setPace(pace: Pace): void {
    for (const member of this.#members) member.setPace(pace)
  }

  /** Everybody into a group of the topic's name. Nothing is worked off yet: what was begun before the last one is in would be done twice. */
  async join(topic: string, partitions: number): Promise<void> {
    this.setPace('held')
    for (const member of this.#members) member.join(topic, topic)
    await using offsets = new Offsets(this.#brokers)
    const areAllIn = async (): Promise<boolean> => {
      const members = await offsets.members(topic, topic)
      return members.length === MEMBERS && members.flat().length === partitions
    }
    await this.whileAllRun(until('everybody is in, and every partition has somebody', areAllIn))
  }

  async leave(): Promise<void> {
    for (const member of this.#members) member.leave()
    await Promise.all(this.#members.map((member) => member.hasLeft()))
  }

  /** Somebody who has something to give up. */
  async somebodyAtWork(): Promise<Member> {
    return await this.whileAllRun(
      until('somebody is at work', () => this.#members.find(({ reading }) => reading.size > 0)),
    )
  }

  /** One that nobody is told of. It belongs to the crew no more. */
  async kill(member: Member): Promise<void> {
    this.#members = this.#members.filter((other) => other !== member)
    await member.kill()
  }

  /** Milliseconds from a change among the members until all others have been let in anew, and every partition has been read by somebody since. */
  async timeUntilRead(partitions: number, change: () => void | Promise<void>, without?: Member): Promise<number> {
    const others = this.#members.filter((member) => member !== without)
    const before = others.map(({ joins }) => joins)
    const began = performance.now()
    await change()
    const isReadAgain = (): boolean => {
      const read = new Set(others.flatMap(({ reading }) => [...reading]))
      return read.size === partitions && others.every(({ joins }, index) => joins > (before[index] ?? 0))
    }
    await this.whileAllRun(until('all partitions are read again', isReadAgain, READ_AGAIN_WITHIN_MS), others)
    return performance.now() - began
  }

  /** What is waited for; rejects at once when one of them comes to its end meanwhile. */
  async whileAllRun<T>(work: Promise<T>, members = this.#members): Promise<T> {
    return await Promise.race([work, ...members.map((member) => member.untilItEnds())])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#members.map((member) => member[Symbol.asyncDispose]()))
  }
}

import { startPart, type StartedPart } from '@timesale/local/infrastructure/started-part'
import type { Launch, Part } from '@timesale/local/part'

/** A server that a test or an experiment may kill and start again, on the same port and data. */
export class RestartablePart implements AsyncDisposable {
  readonly #part: Part
  readonly #readyWithinMs: number | undefined
  #started: StartedPart | undefined

  /** `readyWithinMs`: each start rejects after it; that of `startPart` where left out. */
  constructor(part: Part, readyWithinMs?: number) {
    this.#part = part
    this.#readyWithinMs = readyWithinMs
  }

  get pid(): number {
    return this.#started?.pid ?? 0
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal)
  }

  /** Gone when this resolves: killed, or as the signal says. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#started?.end(signal)
    this.#started = undefined
  }

  /** `more` arguments go to the program. */
  async start({ more }: { more: readonly string[] } = { more: [] }): Promise<void> {
    const launch = async (): Promise<Launch> => {
      const own = await this.#part.launch()
      return { ...own, args: [...own.args, ...more] }
    }
    this.#started = await startPart({ ...this.#part, launch }, this.#readyWithinMs)
  }

  /** At the very end, also of one that hangs: nobody starts it again. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#started?.[Symbol.asyncDispose]()
    this.#started = undefined
  }
}

import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { within } from '@timesale/process/deadline'
import type { ReadSample } from './range-reader.ts'

const WITHIN_MS = 60_000

/** program.ts: a reader that shares nothing with us but the machine. */
export class ReaderProcess implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #reading = Promise.withResolvers<void>()
  readonly #read = Promise.withResolvers<ReadSample>()
  #isOver = false

  constructor(brokers: string, topic: string, from: bigint, to: bigint) {
    this.#child = fork(join(import.meta.dirname, 'program.ts'), [brokers, topic, String(from), String(to)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#child.on('message', (said: 'reading' | ReadSample) => {
      if (said === 'reading') this.#reading.resolve()
      else this.#read.resolve(said)
    })
    this.#child.on('error', (reason) => this.#end(reason))
    this.#child.on('exit', (code, signal) => this.#end(new Error(`The reader ended: ${signal ?? code}`)))
    const over = (): void => void (this.#isOver = true)
    this.#read.promise.then(over, over)
    this.#reading.promise.catch(() => undefined)
  }

  /** Whether it has read everything, or will not. */
  get isOver(): boolean {
    return this.#isOver
  }

  get reading(): Promise<void> {
    return within(WITHIN_MS, this.#reading.promise, tooLate)
  }

  get read(): Promise<ReadSample> {
    return within(WITHIN_MS, this.#read.promise, tooLate)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await gone
  }

  // Changes nothing of what was said before.
  #end(reason: Error): void {
    this.#reading.reject(reason)
    this.#read.reject(reason)
  }
}

function tooLate(): Error {
  return new Error(`Nothing from the reader within ${WITHIN_MS} ms`)
}

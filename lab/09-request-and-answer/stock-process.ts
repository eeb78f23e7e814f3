import { join } from 'node:path'
import { startChild, type ChildProgram } from '../framework/child-program.ts'
import type { ProcessCosts } from './costs.ts'
import type { Given, Told } from './program.ts'

/** program.ts in a process of its own, which may be killed and started again. */
export class StockProcess implements AsyncDisposable {
  readonly #given: Given
  #child: ChildProgram<Told> | undefined

  constructor(given: Given) {
    this.#given = given
  }

  /** Resolves when it can be asked, and told. */
  async start(): Promise<void> {
    this.#child = startChild<Told>(join(import.meta.dirname, 'program.ts'), this.#given)
    await this.#child.heard('both doors are open', (told) => 'isOpen' in told)
  }

  async spent(): Promise<ProcessCosts> {
    if (this.#child === undefined) throw new Error('Stock does not run')
    const spent = this.#child.heard('what it has spent', (told) => 'spent' in told && told.spent)
    this.#child.send({})
    return await spent
  }

  async kill(): Promise<void> {
    await this.#child?.kill()
    this.#child = undefined
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill()
  }
}

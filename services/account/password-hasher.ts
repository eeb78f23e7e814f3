import { randomBytes } from 'node:crypto'
import { hash, verify } from '@node-rs/argon2'
import { Refusal } from '@timesale/contracts/refusals'

/** argon2id (the library's default) with 19 MiB, two passes, one lane: OWASP, Password Storage Cheat Sheet. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }
/** Each takes 19 MiB, and a thread of the four that name look-ups and files need too. */
const AT_ONCE = 2
/** Some 50 ms each: the last of them waits for less than a second. */
const WAITING_MAX = 32

/** Hashes passwords, a few at once; whoever comes when too many wait is refused with `overloaded`. */
export class PasswordHasher {
  readonly #waiting: (() => void)[] = []
  readonly #nobodys: Promise<string>
  #running = 0

  constructor() {
    this.#nobodys = hash(randomBytes(32), COST)
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** In PHC form, with a salt of its own. */
  hash(password: string): Promise<string> {
    return this.#inTurn(() => hash(password, COST))
  }

  /** False also where there is no hash, after the same work. */
  verify(phc: string | undefined, password: string): Promise<boolean> {
    return this.#inTurn(async () => {
      const fits = await verify(phc ?? (await this.#nobodys), password)
      return fits && phc !== undefined
    })
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < AT_ONCE) this.#running += 1
    else if (this.#waiting.length >= WAITING_MAX) throw new Refusal('overloaded', { accepted: false })
    // Whoever is done hands its place on, so nobody who comes later can take it.
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running -= 1
      else next()
    }
  }
}

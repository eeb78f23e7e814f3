import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'

const CONNECTIONS = 64
const ATTEMPT_MS = 1_000
const FIRST_PAUSE_MS = 50
const PAUSE_MAX_MS = 1_000

/** Nobody did it while there was patience. */
class CallFailed extends Error {
  override readonly name = 'CallFailed'
}

/** Calls one program over connections that are kept, and calls again, with longer and longer pauses, until it has done it. */
export class Calls {
  readonly #pool: Pool

  constructor(port: number) {
    this.#pool = new Pool(`http://127.0.0.1:${port}`, { connections: CONNECTIONS, pipelining: 1 })
  }

  async tell(orderId: string, patienceMs: number): Promise<void> {
    const end = performance.now() + patienceMs
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS)) {
      if (await this.#isDone(orderId)) return
      // Not all at the same moment.
      const waitMs = Math.min(pauseMs * (0.5 + 0.5 * Math.random()), end - performance.now())
      if (waitMs <= 0) throw new CallFailed(`${orderId} could not be told`)
      await sleep(waitMs)
    }
  }

  async #isDone(orderId: string): Promise<boolean> {
    try {
      const signal = AbortSignal.timeout(ATTEMPT_MS)
      const { statusCode, body } = await this.#pool.request({ method: 'PUT', path: `/${orderId}`, signal })
      await body.dump()
      return statusCode === 204
    } catch {
      // Refused, lost or late: nobody knows whether it was done, so it is asked for again.
      return false
    }
  }
}

import { Pool } from 'undici'

/** An answer, or that none came: status 0. */
export interface Answer {
  readonly status: number
  readonly text: string
  /** Of a problem document; empty elsewhere. */
  readonly code: string
  /** True where the body promises that nothing was accepted. */
  readonly refused: boolean
  readonly retryAfterMs: number | undefined
}

/** Talks to processes of the order service, over so many connections to each. */
export class OrderClient {
  readonly #pools: readonly Pool[]
  readonly #answerWithinMs: number

  constructor(options: { urls: readonly string[]; connections: number; answerWithinMs: number }) {
    this.#answerWithinMs = options.answerWithinMs
    this.#pools = options.urls.map(
      (url) =>
        new Pool(url, {
          connections: options.connections,
          pipelining: 1,
          connect: { timeout: options.answerWithinMs },
          // The signal of each request is what ends it.
          headersTimeout: 0,
          bodyTimeout: 0,
        }),
    )
  }

  /** Which of the processes is asked goes by `turn`. Never rejects. */
  async post(turn: number, path: string, body?: string): Promise<Answer> {
    const pool = this.#pools[turn % this.#pools.length] as Pool
    try {
      const answer = await pool.request({
        method: 'POST',
        path,
        ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body }),
        signal: AbortSignal.timeout(this.#answerWithinMs),
      })
      const text = await answer.body.text()
      const seconds = Number(answer.headers['retry-after'])
      return {
        status: answer.statusCode,
        text,
        code: answer.statusCode < 400 ? '' : (/"code":"([^"]*)"/.exec(text)?.[1] ?? ''),
        refused: text.includes('"accepted":false'),
        retryAfterMs: Number.isFinite(seconds) ? seconds * 1000 : undefined,
      }
    } catch {
      return { status: 0, text: '', code: '', refused: false, retryAfterMs: undefined }
    }
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.destroy()))
  }
}

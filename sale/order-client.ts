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
  /** How long until the time sale begins, where that is why the order was refused. */
  readonly startsInMs: number | undefined
  /** When it was asked for, in milliseconds since the epoch. */
  readonly askedAt: number
}

export interface Asked {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

interface Door {
  readonly pool: Pool
  /** Without a slash at its end. */
  readonly basePath: string
}

/** Talks to processes of the order service, or to what stands before them, over so many connections to each. */
export class OrderClient {
  readonly #pools: readonly Door[]
  readonly #answerWithinMs: number

  constructor(options: { urls: readonly string[]; connections: number; answerWithinMs: number }) {
    this.#answerWithinMs = options.answerWithinMs
    this.#pools = options.urls.map((url) => {
      const { origin, pathname } = new URL(url)
      const pool = new Pool(origin, {
        connections: options.connections,
        pipelining: 1,
        connect: { timeout: options.answerWithinMs },
        // The signal of each request is what ends it.
        headersTimeout: 0,
        bodyTimeout: 0,
      })
      return { pool, basePath: pathname.replace(/\/$/, '') }
    })
  }

  /** Which of the processes is asked goes by `turn`. Never rejects. */
  async ask(turn: number, { method, path, body, headers = {} }: Asked): Promise<Answer> {
    const askedAt = Date.now()
    const { pool, basePath } = this.#pools[turn % this.#pools.length] as Door
    try {
      const answer = await pool.request({
        method,
        path: `${basePath}${path}`,
        headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body }),
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
        startsInMs: startsInMs(answer.statusCode, text),
        askedAt,
      }
    } catch {
      return { status: 0, text: '', code: '', refused: false, retryAfterMs: undefined, startsInMs: undefined, askedAt }
    }
  }

  post(turn: number, path: string, body?: string): Promise<Answer> {
    return this.ask(turn, { method: 'POST', path, body })
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    await Promise.all(this.#pools.map(({ pool }) => pool.destroy()))
  }
}

function startsInMs(status: number, text: string): number | undefined {
  const found = status === 409 ? /"startsInMs":(\d{1,12})/.exec(text)?.[1] : undefined
  return found === undefined ? undefined : Number(found)
}

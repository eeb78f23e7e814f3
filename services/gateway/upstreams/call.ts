import { Pool, type Dispatcher } from 'undici'

export interface Call {
  readonly method: string
  readonly path: string
  /** Name, value, name, value. */
  readonly headers: readonly string[]
  readonly body: Buffer | undefined
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

/** No answer, or not the whole of it. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
  /** Whether a byte of the request may have reached anybody. If not, it has had no effect. */
  readonly wasSent: boolean
  readonly reason: 'timeout' | 'lost'
  /** Whether an answer had begun. */
  readonly hadBegun: boolean

  constructor(reason: 'timeout' | 'lost', about: { wasSent: boolean; hadBegun: boolean }, cause?: unknown) {
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(`${reason}, ${about.wasSent ? 'after it was sent' : 'nothing was sent'}`, { cause })
    Error.stackTraceLimit = stackTraceLimit
    this.reason = reason
    this.wasSent = about.wasSent
    this.hadBegun = about.hadBegun
  }
}

const CONNECT_TIMEOUT_MS = 1_000
// An answer is held in memory: one that is larger is no answer of ours.
const ANSWER_BYTES_MAX = 8 * 1024 * 1024
const EMPTY = Buffer.alloc(0)

export function createPool(url: string, connections: number): Pool {
  return new Pool(url, {
    connections,
    // One request at a time on a connection: behind a slow one nobody has to wait.
    pipelining: 1,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    // Timers of ours, which are exact.
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize: ANSWER_BYTES_MAX,
  })
}

/** Sends one request and reads its whole answer; throws NoAnswer. */
export function send(pool: Pool, call: Call, timeoutMs: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const exchange = new Exchange(resolve, reject)
    exchange.endAfter(timeoutMs)
    pool.dispatch(
      {
        method: call.method,
        path: call.path,
        headers: call.headers as string[],
        body: call.body ?? null,
      },
      exchange,
    )
  })
}

// undici's own `request` makes a stream of each answer, which costs more than a small answer itself.
class Exchange implements Dispatcher.DispatchHandler {
  readonly #resolve: (answer: Answer) => void
  readonly #reject: (error: NoAnswer) => void
  #controller: Dispatcher.DispatchController | undefined
  #timer: NodeJS.Timeout | undefined
  #isOver = false
  #status = 0
  #headers: Answer['headers'] = {}
  #body: Buffer = EMPTY
  #more: Buffer[] | undefined

  constructor(resolve: (answer: Answer) => void, reject: (error: NoAnswer) => void) {
    this.#resolve = resolve
    this.#reject = reject
  }

  endAfter(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#fail('timeout')
      this.#controller?.abort(new Error('too late'))
    }, ms)
  }

  // Called just before the first byte is written. Before it, nothing has left this process.
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#isOver) return controller.abort(new Error('too late'))
    this.#controller = controller
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Answer['headers']): void {
    // An interim answer (103) is not the answer.
    if (status < 200) return
    this.#status = status
    this.#headers = headers
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#more !== undefined) this.#more.push(chunk)
    else if (this.#body === EMPTY) this.#body = chunk
    else this.#more = [this.#body, chunk]
  }

  onResponseEnd(): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#timer)
    const body = this.#more === undefined ? this.#body : Buffer.concat(this.#more)
    this.#resolve({ status: this.#status, headers: this.#headers, body })
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    this.#fail('lost', error)
  }

  #fail(reason: 'timeout' | 'lost', cause?: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#reject(new NoAnswer(reason, { wasSent: this.#controller !== undefined, hadBegun: this.#status > 0 }, cause))
  }
}

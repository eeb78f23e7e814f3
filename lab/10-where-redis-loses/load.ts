import { setTimeout as sleep } from 'node:timers/promises'
import { Connection } from '@timesale/bench/generator/connection'
import { PageRequest } from '@timesale/bench/generator/order-request'
import { cpuBetween, cpuTimes } from './cpu-time.ts'
import { PRODUCTS } from './shop.ts'

/** Pages that were asked for at a fixed rate, whatever became of those before. */
export interface LoadSample {
  readonly offered: number
  /** Pages that came, also when the time was over; some that came far too late are missing. */
  readonly answered: number
  /** Answers that were no page. */
  readonly refused: number
  /** Answers within the time, divided by it. */
  readonly perSecond: number
  /** Of those that were answered, from when they were due, to the exactness of a timer (clockOf); ascending. */
  readonly latenciesMs: readonly number[]
  /** Of the processes that were to be looked at, for each answer within the time. */
  readonly cpuUs: number
  /** What this process took of a core to ask. */
  readonly coresForAsking: number
}

const CONNECTIONS = 64
const TICK_MS = 1
const LAST_ANSWERS_WITHIN_MS = 3_000

/** Connections to a page server, which stay open between one load and the next. */
export class PageLoad implements AsyncDisposable {
  readonly #connections: Connection[] = []
  readonly #idle: Connection[] = []
  readonly #failed = Promise.withResolvers<never>()
  #onAnswer: (sentAt: number, status: number) => void = () => undefined

  static async open(port: number): Promise<PageLoad> {
    const load = new PageLoad()
    while (load.#connections.length < CONNECTIONS) load.#connections.push(await load.#connect(port))
    load.#idle.push(...load.#connections)
    return load
  }

  private constructor() {
    this.#failed.promise.catch(() => undefined)
  }

  /** Asks for the first so many `products` in turns: for all of them where that is left out. `pids`: whose CPU is of interest. */
  async offer(
    perSecond: number,
    forMs: number,
    { pids = [], products = PRODUCTS }: { pids?: readonly number[]; products?: number } = {},
  ): Promise<LoadSample> {
    const offered = Math.round((perSecond * forMs) / 1000)
    const latenciesMs: number[] = []
    /** When the clock of each request has begun. */
    const since: number[] = []
    let refused = 0
    let sent = 0
    let sendUntil = Infinity
    const sendDue = (): void => {
      for (let at = since[sent]; at !== undefined && performance.now() < sendUntil; at = since[sent]) {
        // All are waiting for answers: so this one waits as well, and its latency says so.
        const connection = this.#idle.shift()
        if (connection === undefined) return
        connection.send(0, sent % products, at)
        sent += 1
      }
    }
    this.#onAnswer = (sentAt, status) => {
      if (status === 200) latenciesMs.push(performance.now() - sentAt)
      else refused += 1
      sendDue()
    }
    const cpuBefore = { all: cpuTimes(pids), own: process.cpuUsage() }
    const from = performance.now()
    const look = (): void => {
      const now = performance.now()
      const dueAt = (): number => from + (since.length * 1000) / perSecond
      while (since.length < offered && dueAt() <= now) since.push(clockOf(dueAt(), now))
      sendDue()
    }
    const timer = setInterval(look, TICK_MS)
    try {
      await this.#unlessFailed(sleep(forMs))
    } finally {
      clearInterval(timer)
    }
    const seconds = (performance.now() - from) / 1000
    const own = process.cpuUsage(cpuBefore.own)
    const inTime = latenciesMs.length
    const cpuUs = cpuBetween(cpuBefore.all, cpuTimes(pids)) / inTime
    look()
    sendUntil = performance.now() + LAST_ANSWERS_WITHIN_MS
    const missing = (): number => (performance.now() < sendUntil ? offered : sent) - latenciesMs.length - refused
    while (missing() > 0) await this.#unlessFailed(sleep(5))
    latenciesMs.sort((one, other) => one - other)
    return {
      ...{ offered, answered: latenciesMs.length, refused, perSecond: inTime / seconds, latenciesMs, cpuUs },
      coresForAsking: (own.user + own.system) / 1_000_000 / seconds,
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) connection.close()
    return Promise.resolve()
  }

  #connect(port: number): Promise<Connection> {
    return Connection.open({
      ...{ port, requests: [new PageRequest({ port, path: '/products' })], onLost: this.#failed.reject },
      onAnswer: (connection, status) => {
        this.#idle.push(connection)
        this.#onAnswer(connection.sentAt, status)
      },
    })
  }

  async #unlessFailed(work: Promise<void>): Promise<void> {
    await Promise.race([work, this.#failed.promise])
  }
}

// A timer sleeps through the moment by a millisecond or so. That is no visitor's wait, and would be longer than many a page takes.
// Anything more is: somebody had the machine.
function clockOf(dueAt: number, now: number): number {
  return now - dueAt <= 2 * TICK_MS ? now : dueAt
}

/** Of ascending values: so many parts of them are no greater. */
export function quantile(values: readonly number[], part: number): number {
  return values[Math.max(0, Math.ceil(part * values.length) - 1)] ?? Number.NaN
}

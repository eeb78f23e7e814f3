import { startProgram } from '../program.ts'

/** What one run of the generator does. */
export interface LoadOptions {
  readonly port: number
  /** Connections with keep-alive, one request in flight on each. */
  readonly connections: number
  /** Sent before anything counts. */
  readonly warmUpMs: number
  readonly sampleMs: number
  /** The first 24 letters of all order ids. */
  readonly idPrefix: string
  /** Orders and pages go round over so many products. */
  readonly products: number
  /** Orders to this path, or pages of products below it; orders to `/orders` by default. */
  readonly target?: { readonly method: 'POST' | 'GET'; readonly path: string }
  /** Values of the `authorization` header, shared out among the connections, which send theirs in turns. */
  readonly authorizations?: readonly string[]
  /**
   * Closed loop that waits while too many records of its orders are still to come on order-topic, where each order makes
   * two. The parent tells how many there are, and how many may be to come; until it does, so many may. Who is told to come
   * again (503) does so after the parent's next word.
   */
  readonly window?: number
  /** Open loop: requests leave at this rate whatever becomes of those before, and latency counts from when they should. */
  readonly perSecond?: number
}

export interface LoadResult {
  /** Answers by status, over the whole run. */
  readonly statuses: Readonly<Record<string, number>>
  /** Answers within the sample ÷ its length. */
  readonly perSecond: number
  /** Milliseconds since the epoch: the first request's moment, and the end of the sample. */
  readonly startedAt: number
  readonly endedAt: number
  /** From sending (open loop: from the schedule) to the answer, within the sample. */
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly max: number }
  /** The generator's own CPU time a request. */
  readonly cpuUs: number
}

/** First what to do; then records of this load that are on order-topic, and how many more may be to come before it waits. */
export type ToGenerator = { readonly options: LoadOptions } | ToldRecords
export interface ToldRecords {
  readonly records: number
  readonly window: number
}
export type FromGenerator = { readonly phase: 'warm' | 'sampled' } | { readonly result: LoadResult }

export interface Load {
  readonly pid: number
  tell(message: ToldRecords): void
  /** When warm-up is over and the sample begins. */
  readonly warm: Promise<void>
  /** When the last request of the sample has been sent; answers may still be under way. */
  readonly sampled: Promise<void>
  readonly result: Promise<LoadResult>
}

/** Starts the generator in a process of its own: in ours its turns would wait for ours. */
export async function startLoad(options: LoadOptions): Promise<Load & AsyncDisposable> {
  const program = await startProgram<FromGenerator, ToGenerator>('generate-load', [])
  // Not as an argument: a thousand tokens are more than one may hold.
  program.send({ options })
  const phase = (name: string) =>
    program.next((message) => ('phase' in message && message.phase === name ? true : undefined))
  const warm = phase('warm').then(() => undefined)
  const sampled = phase('sampled').then(() => undefined)
  const result = program.next((message) => ('result' in message ? message.result : undefined))
  // Whoever awaits only one of them is told of a failure by that one.
  for (const promise of [warm, sampled, result]) promise.catch(() => undefined)
  return {
    pid: program.pid,
    tell: (message) => program.send(message),
    warm,
    sampled,
    result,
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  }
}

/** The number of pages answered. Throws where any answer was something else than 200. */
export function answeredOf({ statuses }: LoadResult): number {
  const { '200': answered = 0, ...others } = statuses
  if (Object.keys(others).length > 0 || answered === 0)
    throw new Error(`Not every request was answered 200: ${JSON.stringify(statuses)}`)
  return answered
}

/** The number of orders accepted. Throws where any answer was something else. */
export function acceptedOf(result: LoadResult): number {
  const { accepted, refused } = outcomeOf(result)
  if (refused > 0) throw notAccepted(result)
  return accepted
}

/** The same for a shop as full as it can be, which may tell some to come again (503). */
export function outcomeOf(result: LoadResult): { accepted: number; refused: number } {
  const { '202': accepted = 0, '503': refused = 0, ...others } = result.statuses
  if (Object.keys(others).length > 0 || accepted === 0) throw notAccepted(result)
  return { accepted, refused }
}

function notAccepted(result: LoadResult): Error {
  return new Error(`Not every request was answered 202: ${JSON.stringify(result.statuses)}`)
}

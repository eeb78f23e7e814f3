import { setTimeout as sleep } from 'node:timers/promises'
import { readLags } from '@timesale/local/commands/consumer-lag'
import { databaseServices } from '@timesale/local/shop/ports'
import { lookAt, type Books } from './books.ts'
import { readersOf } from './group-rules.ts'

/** What is still on its way. */
export interface Unrest {
  /** Rows in all outboxes together; a row may hold many events. */
  readonly outboxRows: number
  /** Orders that are PLACED. */
  readonly undecided: number
  /** Records that each group has not finished. */
  readonly lags: Readonly<Record<string, number>>
}

export interface SettleOptions {
  readonly withinMs?: number
  /** After each look; undefined where a part did not answer. */
  readonly onProgress?: (unrest: Unrest | undefined) => void
  readonly signal?: AbortSignal
}

const WITHIN_MS = 120_000
const PAUSE_MS = 250

/**
 * Resolves when nothing is on its way any more: every outbox empty, no group behind, no order undecided, and the same
 * at a second look. Rejects, saying what is left, when that takes longer than two minutes or `withinMs`.
 */
export async function settled(books: Books, options: SettleOptions = {}): Promise<void> {
  const { withinMs = WITHIN_MS, onProgress, signal } = options
  const end = performance.now() + withinMs
  let calm = 0
  let last: Unrest | undefined
  let lastError: unknown
  for (;;) {
    try {
      last = await lookForUnrest(books)
      lastError = undefined
      onProgress?.(last)
      calm = isCalm(last) ? calm + 1 : 0
      if (calm === 2) return
    } catch (error) {
      // A part that was killed may be on its way back.
      lastError = error
      calm = 0
      onProgress?.(undefined)
    }
    signal?.throwIfAborted()
    if (performance.now() > end) {
      throw new Error(`The shop did not come to rest within ${withinMs / 1000} s: ${describe(last)}`, {
        cause: lastError,
      })
    }
    await sleep(PAUSE_MS)
  }
}

async function lookForUnrest(books: Books): Promise<Unrest> {
  const counts = await Promise.all(
    databaseServices.map((service) =>
      lookAt(books, service, async (look) => {
        const placed = service === 'order' ? "(select count(*) from orders where status = 'PLACED')" : '0::bigint'
        const [row] = await look.rows<[string, string]>(`select (select count(*) from outbox), ${placed}`)
        return [Number(row?.[0]), Number(row?.[1])] as const
      }),
    ),
  )
  const lags = await readLags(books.brokers, readersOf(books))
  return {
    outboxRows: counts.reduce((sum, [rows]) => sum + rows, 0),
    undecided: counts.reduce((sum, [, placed]) => sum + placed, 0),
    lags: Object.fromEntries(lags.map(({ group, records }) => [group, Number(records)])),
  }
}

function isCalm({ outboxRows, undecided, lags }: Unrest): boolean {
  return outboxRows === 0 && undecided === 0 && Object.values(lags).every((records) => records === 0)
}

function describe(unrest: Unrest | undefined): string {
  if (unrest === undefined) return 'its databases or brokers did not answer once'
  const lags = Object.entries(unrest.lags).map(([group, records]) => `${group} ${records}`)
  return `${unrest.undecided} orders undecided, ${unrest.outboxRows} rows in outboxes, lag ${lags.join(', ')}`
}

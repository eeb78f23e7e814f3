import type { LevelAccount } from './accounts.ts'
import type { EventRecord } from './event-record.ts'
import { count, type Rulebook } from './finding.ts'
import { OVERLAP_MS } from './refusal-rules.ts'
import type { Arrival } from './stock-rules.ts'

/** A product of which more was asked for than there was, in a time sale of all its units or in none. */
export interface SoldOut {
  readonly productId: string
  /** When the last one asked whom the door told that nothing is left, in milliseconds since the epoch; undefined where it told nobody. */
  readonly doorRefusedAt: number | undefined
}

const NOTHING_LEFT: ReadonlySet<unknown> = new Set(['sold-out', 'sale-sold-out'])
/** What the door believes of stock may be so old, and a little for the way. */
const DOOR_MS = 4_000

/**
 * All units of such products are sold, but for what was given back when nobody asked any more. Whoever was refused a
 * single unit, by the door or by stock, shows that there was none; who wanted two may have left one.
 */
export class SoldOutRule {
  readonly #soldOut: readonly SoldOut[]
  readonly #refusedAt = new Map<string, number>()

  constructor(soldOut: readonly SoldOut[]) {
    this.#soldOut = soldOut
  }

  /** Each event once. */
  take({ type, data, time }: EventRecord): void {
    if (type !== 'stock.rejected.v1' || data['quantity'] !== 1 || !NOTHING_LEFT.has(data['reason'])) return
    const productId = String(data['productId'])
    this.#refusedAt.set(productId, Math.max(Date.parse(time), this.#refusedAt.get(productId) ?? 0))
  }

  /** After the last record. */
  end(levels: ReadonlyMap<string, LevelAccount>, arrivals: readonly Arrival[], rules: Rulebook): void {
    for (const { productId, doorRefusedAt = -Infinity } of this.#soldOut) {
      const rule = rules.rule('soldOut')
      const { initial = 0, sold = 0, available = 0 } = levels.get(productId) ?? {}
      rule.says(`${count(sold)} of ${count(initial)} units sold`)
      const since = Math.max(doorRefusedAt - DOOR_MS, (this.#refusedAt.get(productId) ?? -Infinity) - OVERLAP_MS)
      // Nobody was refused: what is left was wanted by nobody.
      if (available === 0 || since === -Infinity) continue
      const late = arrivals.filter((one) => one.productId === productId && one.isReturn && one.at >= since)
      const back = late.reduce((sum, { quantity }) => sum + quantity, 0)
      rule.says(`${count(sold)} of ${count(initial)} units sold, ${count(back)} came back when nobody asked any more`)
      if (available > back) rule.broken(`${productId}: ${available} units are left, and ${back} came back late`)
    }
  }
}

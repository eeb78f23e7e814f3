import type { LevelAccount } from './accounts.ts'
import type { EventRecord } from './event-record.ts'
import { count, type Rule, type Rulebook } from './finding.ts'
import type { Arrival } from './stock-rules.ts'

/**
 * Two transactions may overlap, and an event's time is its process's: what came back up to this long before a refusal
 * may not have been there yet.
 */
export const OVERLAP_MS = 10_000

/**
 * Whether orders were refused although there was enough. What is left of a product in the end, less all that came (back)
 * to it since a refusal, was there at the moment of the refusal.
 */
export class RefusalRules {
  readonly #rules: Rulebook
  readonly #levels: ReadonlyMap<string, LevelAccount>
  readonly #arrivals: ReadonlyMap<string, readonly Arrival[]>
  #refusals = 0

  constructor(levels: ReadonlyMap<string, LevelAccount>, arrivals: readonly Arrival[], rules: Rulebook) {
    this.#rules = rules
    this.#levels = levels
    this.#arrivals = Map.groupBy(arrivals, ({ productId }) => productId)
  }

  take({ type, data, time, aggregateId }: EventRecord): void {
    // What time sales refuse is for SaleRules to judge.
    if (type !== 'stock.rejected.v1' || (data['reason'] !== 'sold-out' && data['reason'] !== 'unknown-product')) return
    this.#refusals += 1
    const productId = String(data['productId'])
    const available = this.#levels.get(productId)?.available ?? 0
    const wanted = Number(data['quantity'])
    if (available < wanted) return
    const since = Date.parse(time) - OVERLAP_MS
    const cameSince = (this.#arrivals.get(productId) ?? []).filter(({ at }) => at >= since)
    const left = available - cameSince.reduce((sum, { quantity }) => sum + quantity, 0)
    if (left >= wanted) this.#rule().broken(`order ${aggregateId} wanted ${wanted} of ${productId}, ${left} were left`)
  }

  end(): void {
    this.#rule().says(`${count(this.#refusals)} refused`)
  }

  #rule(): Rule {
    return this.#rules.rule('enough')
  }
}

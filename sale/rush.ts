import { setTimeout as sleep } from 'node:timers/promises'
import { examine, settled, type Finding } from '@timesale/verify/verdict'
import { Buyers, type Figures } from './buyers.ts'
import { checkParts, killDuring, waitForReturn, type Kill } from './kills.ts'
import type { Moment } from './live-view.ts'
import { putOnSale, type SaleShop } from './sale-shop.ts'
import { ShopWatch, type Sight } from './shop-watch.ts'

export interface RushOptions {
  readonly units: number
  readonly buyers: number
  readonly ordersPerSecond: number
  readonly seed: number
  readonly kill: readonly string[]
  readonly signal: AbortSignal
  readonly onMoment: (moment: Moment) => void
  readonly onStep: (text: string) => void
  /** What the shop still has to do before it is at rest. */
  readonly onUnrest: (text: string) => void
}

/** All that is known of a sale that is over. */
export interface SaleResult {
  readonly productId: string
  readonly figures: Figures
  readonly sight: Sight
  readonly kills: readonly Kill[]
  readonly rushSeconds: number
  readonly restSeconds: number
  readonly findings: readonly Finding[]
}

const MOMENT_MS = 500

/** Sells a product of its own to so many buyers, waits until the shop is at rest, and looks at its books. */
export async function runSale(shop: SaleShop, options: RushOptions): Promise<SaleResult> {
  const { units, buyers: count, seed, kill, signal } = options
  await checkParts(shop, kill)
  const productId = `SALE-${seed}-${Date.now().toString(36)}`
  await putOnSale(shop, { productId, units, signal })
  options.onStep(`${units.toLocaleString('en-US')} units of ${productId} are on sale (seed ${seed}).`)

  const kills: Kill[] = []
  let watch: ShopWatch | undefined
  const buyers = new Buyers({
    urls: [shop.url('order')],
    products: [productId],
    ordersPerSecond: options.ordersPerSecond,
    count,
    seed,
    name: productId,
    onAccepted: (number) => watch?.follow(buyers.orderId(number), number),
  })
  watch = new ShopWatch(shop, { productId, dueAt: (number) => buyers.dueAt(number) })
  const end = new AbortController()
  const stopKilling = AbortSignal.any([signal, end.signal])
  const began = performance.now()
  try {
    const killing = killDuring(shop, {
      parts: kill,
      rushMs: (count / options.ordersPerSecond) * 1000,
      signal: stopKilling,
      onKill: (one) => {
        kills.push(one)
        options.onStep(`${one.part} is killed at ${one.atSeconds} s.`)
      },
    })
    const showing = showMoments({ began, buyers, watch, options, kills, signal: stopKilling })
    const aborted = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new SaleAborted()), { once: true })
    })
    await Promise.race([Promise.all([buyers.done(), killing]), aborted])
    const rushSeconds = secondsSince(began)

    options.onStep('Everybody knows. Waiting until the shop has come to rest.')
    const calm = await comeToRest(shop, options)
    end.abort()
    await showing
    const restSeconds = secondsSince(began) - rushSeconds
    await watch.stop()
    const { figures } = buyers
    const { sight } = watch
    const own = [...ownFindings(buyers, count, sight), ...calm]
    if (!own.every(({ rule, holds }) => rule !== AT_REST || holds)) {
      return { productId, figures, sight, kills, rushSeconds, restSeconds, findings: own }
    }
    options.onStep('Looking at the books: databases and topics.')
    const lastRefusalAt = latest(buyers.lastTurnedAwayAt, sight.lastRejectionAt)
    const books = await examine(shop.books, buyers.outcome(), { soldOut: [{ productId, lastRefusalAt }] })
    return { productId, figures, sight, kills, rushSeconds, restSeconds, findings: [...own, ...books] }
  } finally {
    end.abort()
    await Promise.all([buyers.abandon(), watch.stop()])
  }
}

/** Somebody pressed Ctrl-C. */
export class SaleAborted extends Error {
  override readonly name = 'SaleAborted'
}

const AT_REST = 'the shop has come to rest'

async function comeToRest(shop: SaleShop, { kill, signal, onUnrest }: RushOptions): Promise<Finding[]> {
  const finding = (offenders: readonly string[]): Finding[] => {
    const says = kill.length === 0 ? 'no part was killed' : `${kill.join(', ')} came back`
    return [{ rule: AT_REST, holds: offenders.length === 0, says, count: offenders.length, offenders }]
  }
  const down = await waitForReturn(shop, kill, signal)
  if (down.length > 0) return finding(down.map((part) => `${part} was killed and did not come back`))
  try {
    await settled(shop.books, {
      signal,
      onProgress: (unrest) => {
        if (unrest === undefined) return onUnrest('a part does not answer')
        const behind = Object.values(unrest.lags).reduce((sum, lag) => sum + lag, 0)
        onUnrest(
          `${unrest.undecided} orders undecided, ${unrest.outboxRows} rows in outboxes, ${behind} records unread`,
        )
      },
    })
    return finding([])
  } catch (error) {
    if (signal.aborted) throw new SaleAborted()
    return finding([`${String(error)} npm run status says which part is down or behind.`])
  }
}

// What the buyers alone can tell.
function ownFindings(buyers: Buyers, count: number, { confirmed }: Sight): Finding[] {
  const { figures, unexpected } = buyers
  const { accepted, gaveUp, arrived, repeatsConfirmed, reusesRefused } = figures
  const none = [
    ...(accepted === 0 ? ['not one order was accepted'] : []),
    ...(confirmed === 0 ? ['not one order was confirmed'] : []),
    ...(arrived < count ? [`only ${arrived} of ${count} buyers came`] : []),
  ]
  const left = gaveUp === 0 ? [] : [`${gaveUp} buyers went away after two minutes`]
  return [
    {
      rule: 'there was a sale',
      holds: none.length === 0,
      says: `${arrived.toLocaleString('en-US')} buyers came`,
      count: none.length,
      offenders: none,
    },
    {
      rule: 'every buyer knows what became of their order',
      holds: gaveUp === 0,
      says: `${(accepted + figures.turnedAway).toLocaleString('en-US')} accepted or turned away`,
      count: gaveUp,
      offenders: left,
    },
    {
      rule: 'an order id means one order',
      holds: figures.unexpected === 0,
      says: `${repeatsConfirmed.toLocaleString('en-US')} repeated, ${reusesRefused.toLocaleString('en-US')} others refused`,
      count: figures.unexpected,
      offenders: unexpected,
    },
  ]
}

async function showMoments(about: {
  readonly began: number
  readonly buyers: Buyers
  readonly watch: ShopWatch
  readonly options: RushOptions
  readonly kills: readonly Kill[]
  readonly signal: AbortSignal
}): Promise<void> {
  const { began, buyers, watch, options, kills, signal } = about
  let before = { at: began, accepted: 0 }
  while (!signal.aborted) {
    await sleep(MOMENT_MS, undefined, { signal }).catch(() => undefined)
    const { figures } = buyers
    const now = performance.now()
    options.onMoment({
      seconds: (now - began) / 1000,
      units: options.units,
      buyers: options.buyers,
      figures,
      sight: watch.sight,
      acceptedPerSecond: ((figures.accepted - before.accepted) * 1000) / Math.max(1, now - before.at),
      killed: kills.map(({ part }) => part),
    })
    before = { at: now, accepted: figures.accepted }
  }
}

function secondsSince(began: number): number {
  return Math.round((performance.now() - began) / 100) / 10
}

function latest(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.max(one, other)
}

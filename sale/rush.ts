import { setTimeout as sleep } from 'node:timers/promises'
import { Complaint } from '@timesale/local/commands/command-line'
import { rejectsOnAbort } from '@timesale/local/commands/ctrl-c'
import { needsToken } from '@timesale/local/shop/needs-token'
import { Look } from '@timesale/verify/books'
import { readTraffic } from '@timesale/verify/traffic'
import { examine, findDeadLetters, type Finding, type RecordPlace } from '@timesale/verify/verdict'
import { comeToRest, lookWhileStill } from './at-rest.ts'
import type { Opening } from './buyer-plan.ts'
import { Buyers, type Figures } from './buyers.ts'
import { checkParts, checkRunning, killDuring, type Kill } from './kills.ts'
import { logBuyersIn, type BuyerAccounts } from './buyer-accounts.ts'
import type { Moment } from './live-view.ts'
import { putOnSale, saleMs, startTimeSale, THROUGH_GATEWAY, type SaleShop } from './sale-shop.ts'
import { ShopWatch, type Sight } from './shop-watch.ts'

export interface RushOptions {
  readonly units: number
  readonly buyers: number
  readonly ordersPerSecond: number
  readonly seed: number
  /** Absent where the product is sold at its usual price, at any time, to whoever wants it all. */
  readonly timeSale?: { readonly limitPerBuyer: number; readonly startsInSeconds: number } | undefined
  /** Through the gateway, as so many accounts; else past it, straight to the order service, which takes anybody's word. */
  readonly accounts?: number | undefined
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
  const { units, buyers: count, seed, kill, signal, onStep, onUnrest } = options
  const parts = await shop.parts()
  checkParts(kill, parts)
  checkRunning(kill, parts)
  if (options.accounts === undefined && (await needsToken(shop.url('order')))) throw new Complaint(THROUGH_GATEWAY)
  const accounts = await logIn(shop, options)
  const deadLetters = await deadLettersBefore(shop)
  const productId = `SALE-${seed}-${Date.now().toString(36)}`
  await putOnSale(shop, { productId, units, signal })
  const opening = await open(shop, productId, options)
  onStep(`${units.toLocaleString('en-US')} units of ${productId} are on sale (seed ${seed}).`)
  if (opening !== undefined) {
    const { early, opensInMs } = opening
    onStep(
      `The time sale begins in ${(opensInMs / 1000).toFixed(1)} s, at most ${options.timeSale?.limitPerBuyer} units a buyer; ${early.toLocaleString('en-US')} buyers will not wait for it.`,
    )
  }

  // From here on a shop that fails is a shop that failed the sale.
  signal.throwIfAborted()
  const kills: Kill[] = []
  let watch: ShopWatch | undefined
  const buyers = new Buyers({
    ...(accounts === undefined
      ? { urls: [shop.url('order')] }
      : {
          urls: shop.gatewayUrls,
          accounts: accounts.ids,
          headersFor: (buyerId) => accounts.headersFor(buyerId),
          mix: { look: LOOK_SHARE },
        }),
    products: [productId],
    ordersPerSecond: options.ordersPerSecond,
    limitPerBuyer: options.timeSale?.limitPerBuyer,
    count,
    seed,
    name: productId,
    ...(opening === undefined ? {} : { opening }),
    onAccepted: (number) => watch?.follow(buyers.orderId(number), number),
  })
  watch = new ShopWatch(shop, { productId, dueAt: (number) => buyers.dueAt(number) })
  const end = new AbortController()
  const stopKilling = AbortSignal.any([signal, end.signal])
  const began = performance.now()
  try {
    const killing = killDuring(shop, {
      parts: kill,
      waitMs: opening?.opensInMs ?? 0,
      rushMs: rushMsOf(options),
      signal: stopKilling,
      onKill: (one) => {
        kills.push(one)
        onStep(`${one.part} is killed at ${one.atSeconds} s.`)
      },
    })
    const showing = showMoments({ began, buyers, watch, options, kills, signal: stopKilling })
    const aborted = rejectsOnAbort(signal)
    const [, notKilled] = await Promise.race([Promise.all([buyers.done(), killing]), aborted])
    const rushSeconds = secondsSince(began)

    onStep('Everybody knows. Waiting until the shop has come to rest.')
    const calm = await comeToRest(shop, { kills, notKilled, signal, onUnrest })
    end.abort()
    await showing
    const restSeconds = secondsSince(began) - rushSeconds
    await watch.stop()
    const { figures } = buyers
    const { sight } = watch
    const own = [...ownFindings(buyers, count, sight), calm]
    const result = { productId, figures, sight, kills, rushSeconds, restSeconds }
    if (!calm.holds) return { ...result, findings: own }

    onStep('Looking at the books: databases and topics.')
    const expected = { soldOut: [{ productId, doorRefusedAt: buyers.lastSoldOutAt }], deadLetters }
    const looking = lookWhileStill({
      look: async () => [
        ...(options.timeSale === undefined ? [] : [await findGreed(shop, productId, options.timeSale.limitPerBuyer)]),
        ...(await examine(shop.books, buyers.outcome(), expected)),
      ],
      traffic: () => readTraffic(shop.books),
      rest: () => comeToRest(shop, { kills, notKilled, signal, onUnrest }),
      onAgain: () => onStep('Somebody else ordered meanwhile. Looking once more when the shop has come to rest.'),
    })
    const books = await Promise.race([looking, aborted])
    const before = own.filter(({ rule }) => !books.some((one) => one.rule === rule))
    return { ...result, findings: [...before, ...books] }
  } finally {
    end.abort()
    await Promise.all([buyers.abandon(), watch.stop()])
  }
}

// What lies there from before, typed in by hand say, must be there in each group still, and is no fault of this sale.
async function deadLettersBefore(shop: SaleShop): Promise<readonly RecordPlace[]> {
  try {
    return await findDeadLetters(shop.books)
  } catch (cause) {
    throw new Complaint(`The books of the shop cannot be read (${String(cause)}). Look at npm run status.`, { cause })
  }
}

function rushMsOf({ buyers, ordersPerSecond }: RushOptions): number {
  return (buyers / ordersPerSecond) * 1000
}

/** Through the gateway an order has an owner, and nobody else may see it. */
const LOOK_SHARE = 0.1

async function logIn(shop: SaleShop, { accounts, signal, onStep }: RushOptions): Promise<BuyerAccounts | undefined> {
  if (accounts === undefined) return undefined
  onStep(`${accounts.toLocaleString('en-US')} accounts log in.`)
  return await logBuyersIn(shop, { count: accounts, signal })
}

/** Of a hundred buyers so many come before a time sale begins. */
const EARLY_SHARE = 0.05

async function open(shop: SaleShop, productId: string, options: RushOptions): Promise<Opening | undefined> {
  const { timeSale, units, buyers, signal } = options
  if (timeSale === undefined) return undefined
  const { limitPerBuyer, startsInSeconds } = timeSale
  const startsAt = new Date(Date.now() + startsInSeconds * 1000)
  const endsAt = new Date(startsAt.getTime() + saleMs(rushMsOf(options)))
  await startTimeSale(shop, { productId, units, startsAt, endsAt, limitPerBuyer, signal })
  const opensInMs = Math.max(0, startsAt.getTime() - Date.now())
  return { opensInMs, early: opensInMs === 0 ? 0 : Math.ceil(buyers * EARLY_SHARE) }
}

// What each buyer got by the orders that stand; the verdict counts it again from what stock has reserved.
async function findGreed(shop: SaleShop, productId: string, limit: number): Promise<Finding> {
  await using look = await Look.open(shop.books, 'order')
  const rows = await look.rows<[string, string]>(
    `select buyer_id, sum(quantity) from orders where product_id = $1 and status = 'CONFIRMED'
     group by buyer_id order by 2 desc, 1`,
    [productId],
  )
  const got = rows.map(([buyerId, units]) => ({ buyerId, units: Number(units) }))
  const tooMuch = got.filter(({ units }) => units > limit)
  const all = got.reduce((sum, { units }) => sum + units, 0)
  return {
    rule: `no buyer got more than ${limit}`,
    holds: tooMuch.length === 0,
    says: `${got.length.toLocaleString('en-US')} buyers got ${all.toLocaleString('en-US')} units, at most ${got[0]?.units ?? 0} each`,
    count: tooMuch.length,
    offenders: tooMuch.slice(0, 10).map(({ buyerId, units }) => `${buyerId} got ${units}`),
  }
}

/** Somebody pressed Ctrl-C. */
export class SaleAborted extends Error {
  override readonly name = 'SaleAborted'
}

// What the buyers alone can tell.
function ownFindings(buyers: Buyers, count: number, { confirmed }: Sight): Finding[] {
  const { figures, unexpected, exposed } = buyers
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
    ...(figures.shown + figures.hidden + figures.exposed === 0
      ? []
      : [
          {
            rule: 'an order is its buyer’s, and nobody else sees it',
            holds: figures.exposed === 0,
            says: `${figures.shown.toLocaleString('en-US')} shown, ${figures.hidden.toLocaleString('en-US')} not there for others`,
            count: figures.exposed,
            offenders: exposed,
          },
        ]),
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

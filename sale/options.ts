import { WrongUsage, wholeNumber } from '@timesale/local/commands/command-line'
import type { RushOptions } from './rush.ts'

const LIMIT_MAX = 1_000
/** What the gateway lets an account send (60 orders in 10 s), and what a buyer sends: some click twice, ask again, cancel. */
const ACCOUNT_A_SECOND = 6
const BUYER_SENDS = 1.25
/** Twice of what is needed, since the requests of an account do not come evenly. */
const ACCOUNTS_FOR_A_BUYER_A_SECOND = 0.3
/** Buyers wait two minutes for an answer. Half of that is for whatever else holds them up. */
const LATE_SECONDS_MAX = 60
/** Tokens live 15 minutes, and what is killed has to come back meanwhile. */
const SECONDS_MAX = 600

interface Buying {
  readonly buyers: number
  readonly ordersPerSecond: number
}

/** As how many accounts buyers come; undefined where they go past the gateway. */
export function accountsOf(
  { through, accounts }: Readonly<{ through?: string; accounts?: string }>,
  buying: Buying,
): number | undefined {
  if (through === undefined) {
    if (accounts !== undefined) throw new WrongUsage("Option '--accounts' is for '--through gateway'")
    return undefined
  }
  if (through !== 'gateway') throw new WrongUsage(`Option '--through' must be 'gateway', not '${through}'`)
  const { buyers, ordersPerSecond } = buying
  if (buyers / ordersPerSecond > SECONDS_MAX) {
    throw new WrongUsage(
      `${buyers} buyers at ${ordersPerSecond} a second take longer than the ${SECONDS_MAX / 60} minutes that their tokens are sure to last`,
    )
  }
  const usual = Math.max(2, Math.min(buyers, Math.ceil(ordersPerSecond * ACCOUNTS_FOR_A_BUYER_A_SECOND)))
  // One of them looks at the orders of another.
  const count = wholeNumber('accounts', accounts ?? String(usual), { min: 2, max: 20_000 })
  const enough = Math.ceil((buyers * BUYER_SENDS) / ACCOUNT_A_SECOND / (buyers / ordersPerSecond + LATE_SECONDS_MAX))
  if (count < enough) {
    throw new WrongUsage(
      `The gateway lets an account send 60 orders in 10 s: with ${count} accounts buyers would give up before they get in. Take --accounts ${enough} or more, or a lower --rate`,
    )
  }
  return count
}

export function timeSaleOf(
  values: Readonly<{ limit?: string; 'starts-in'?: string; 'no-time-sale'?: boolean }>,
  { units, accounts }: { readonly units: number; readonly accounts: number },
): RushOptions['timeSale'] {
  const { limit, 'starts-in': startsIn, 'no-time-sale': none } = values
  if (none === true) {
    if (limit !== undefined) throw new WrongUsage("Option '--limit' is of a time sale, and there is none")
    if (startsIn !== undefined) throw new WrongUsage("Option '--starts-in' is of a time sale, and there is none")
    return undefined
  }
  // A quarter more than there is: some cancel, and some want more at once than they may still have.
  const usual = limit ?? String(Math.min(LIMIT_MAX, Math.max(2, Math.ceil((units * 1.25) / accounts))))
  return {
    // A limit above all there is would be refused, and limits nobody.
    limitPerBuyer: Math.min(units, wholeNumber('limit', usual, { min: 1, max: LIMIT_MAX })),
    startsInSeconds: wholeNumber('starts-in', startsIn ?? '3', { min: 0, max: 60 }),
  }
}

/** Of `--kill`, once or several times. */
export function namesOf(lists: readonly string[] = []): string[] {
  return lists.flatMap((list) => {
    const names = list.split(',').map((name) => name.trim())
    if (names.includes('')) throw new WrongUsage(`Option '--kill' must be names with commas between, not '${list}'`)
    return names
  })
}

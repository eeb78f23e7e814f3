import { randomInt } from 'node:crypto'
import { styleText } from 'node:util'
import { Complaint, runCommand, wholeNumber, WrongUsage } from '@timesale/local/commands/command-line'
import { shortView, wholeView, type Moment } from './live-view.ts'
import { holds, verdictJson, verdictText } from './report.ts'
import { runSale, SaleAborted, type RushOptions } from './rush.ts'
import { withShop } from './sale-shop.ts'
import { Screen } from './screen.ts'

const usage = `npm run sale [-- OPTIONS]

A time sale: a product of its own, many more buyers than units, and a verdict from the databases and topics of the shop.
Buyers come at a rate that nothing slows down, click twice, ask again, cancel, and use an id for two orders.
Takes the running shop; where none runs, starts one in a temporary folder and stops it afterwards.

  --units N         units on sale (1000)
  --buyers N        buyers (20000)
  --rate N          buyers a second (a twentieth of them all)
  --through gateway log in and buy through the public door, as so many accounts: each order has an owner and the limits
                    of the gateway hold (429 is waited out). Accounts sale-buyer-1, -2, ... are made where they are
                    not there yet, and log in at the account service's own port (some seconds for a few hundred). A
                    token lives 15 minutes. With GATEWAY_URLS=http://host:port,... through each of these in turn
  --accounts N      how many (three for ten buyers a second: each may send 60 orders in 10 s); many buyers share one
  --limit N         units one buyer may have, by however many orders (2; more where that sells less than there is)
  --starts-in N     seconds until the sale begins (3); some buyers come before, and again then
  --no-time-sale    at the usual price, at any time, as much as anybody wants
  --seed N          who buys what and does what besides; the same seed makes the same buyers
  --kill A,B,...    kill these parts one after the other during the rush: stock, order, kafka-1, redis, postgres-order, ...
                    they come back by themselves; npm run status shows their names
  --json            one JSON document at the end, and nothing else
  --data DIR        the shop of this folder (else TIMESALE_DATA, else .timesale in the clone)
  --help            this text

Exit code 1 when a rule does not hold, 2 when the sale could not begin.
In another terminal: npm run part -- kill stock, and later: npm run part -- start stock`

const FAILED = 1
const NOT_BEGUN = 2
const INTERRUPTED = 130

const LIMIT_MAX = 1_000
/** Of 60 orders in 10 s that an account may send, half: buyers click twice, ask again and cancel. */
const ACCOUNTS_FOR_A_BUYER_A_SECOND = 0.3
/** Tokens live 15 minutes, and what is killed has to come back meanwhile. */
const SECONDS_MAX = 600

await runCommand({
  usage,
  options: {
    units: { type: 'string' },
    buyers: { type: 'string' },
    rate: { type: 'string' },
    through: { type: 'string' },
    accounts: { type: 'string' },
    limit: { type: 'string' },
    'starts-in': { type: 'string' },
    'no-time-sale': { type: 'boolean' },
    seed: { type: 'string' },
    kill: { type: 'string' },
    json: { type: 'boolean' },
    data: { type: 'string' },
  },
  run: async ({ values }) => {
    const buyers = wholeNumber('buyers', values.buyers ?? '20000', { min: 1, max: 1_000_000 })
    const units = wholeNumber('units', values.units ?? '1000', { min: 1, max: 1_000_000 })
    const ordersPerSecond = wholeNumber('rate', values.rate ?? String(Math.ceil(buyers / 20)), { min: 1, max: 50_000 })
    const accounts = accountsOf(values, { buyers, ordersPerSecond })
    const asked = {
      buyers,
      units,
      ordersPerSecond,
      seed: wholeNumber('seed', values.seed ?? String(randomInt(1_000_000)), { min: 0, max: 999_999_999 }),
      accounts,
      timeSale: timeSaleOf(values, { units, accounts: accounts ?? Infinity }),
    }
    const kill = namesOf(values.kill)
    try {
      return await sell({ ...asked, kill, json: values.json === true, data: values.data })
    } catch (error) {
      if (error instanceof SaleAborted) return INTERRUPTED
      if (!(error instanceof Complaint)) throw error
      console.error(error.message)
      return NOT_BEGUN
    }
  },
})
// Sockets to a part that hangs must not keep the command alive.
process.exit()

interface Asked {
  readonly units: number
  readonly buyers: number
  readonly ordersPerSecond: number
  readonly seed: number
  readonly timeSale: RushOptions['timeSale']
  readonly accounts: number | undefined
  readonly kill: readonly string[]
  readonly json: boolean
  readonly data: string | undefined
}

async function sell({ kill, json, data, ...asked }: Asked): Promise<number> {
  const screen = new Screen(json ? process.stderr : process.stdout)
  const shown = !json || screen.isTerminal
  const say = (text: string): void => (shown ? screen.line(text) : undefined)
  const signal = abortedByCtrlC(() => say('\nStopping.'))
  try {
    return await withShop({ data, kill, throughGateway: asked.accounts !== undefined, signal, say }, async (shop) => {
      const result = await runSale(shop, {
        ...asked,
        kill,
        signal,
        onStep: say,
        onMoment: shown ? momentShower(screen) : () => undefined,
        onUnrest: (text) => (shown && !screen.isTerminal ? say(`      ${text}`) : undefined),
      })
      screen.keep()
      console.log(json ? verdictJson(result, { ...asked, ownShop: shop.own }) : verdictText(result))
      return holds(result) ? 0 : FAILED
    })
  } catch (error) {
    throw signal.aborted ? new SaleAborted() : error
  }
}

function momentShower(screen: Screen): (moment: Moment) => void {
  let saidAt = 0
  return (moment) => {
    if (screen.isTerminal) return screen.draw(wholeView(moment))
    if (moment.seconds - saidAt < 1) return
    saidAt = Math.floor(moment.seconds)
    screen.line(shortView(moment))
  }
}

// The second time it is the usual end.
function abortedByCtrlC(onAbort: () => void): AbortSignal {
  const end = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(name, () => {
      onAbort()
      end.abort(new SaleAborted(styleText('yellow', name)))
    })
  }
  return end.signal
}

/** Undefined where buyers go past the gateway. */
function accountsOf(
  { through, accounts }: Readonly<{ through?: string; accounts?: string }>,
  { buyers, ordersPerSecond }: { readonly buyers: number; readonly ordersPerSecond: number },
): number | undefined {
  if (through === undefined) {
    if (accounts !== undefined) throw new WrongUsage("Option '--accounts' is for '--through gateway'")
    return undefined
  }
  if (through !== 'gateway') throw new WrongUsage(`Option '--through' must be 'gateway', not '${through}'`)
  if (buyers / ordersPerSecond > SECONDS_MAX) {
    throw new WrongUsage(
      `${buyers} buyers at ${ordersPerSecond} a second take longer than the ${SECONDS_MAX / 60} minutes that their tokens are sure to last`,
    )
  }
  const usual = Math.min(buyers, Math.max(2, Math.ceil(ordersPerSecond * ACCOUNTS_FOR_A_BUYER_A_SECOND)))
  return wholeNumber('accounts', accounts ?? String(usual), { min: 1, max: 20_000 })
}

function timeSaleOf(
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
    limitPerBuyer: wholeNumber('limit', usual, { min: 1, max: LIMIT_MAX }),
    startsInSeconds: wholeNumber('starts-in', startsIn ?? '3', { min: 0, max: 60 }),
  }
}

function namesOf(list: string | undefined): string[] {
  if (list === undefined) return []
  const names = list.split(',').map((name) => name.trim())
  if (names.includes('')) throw new WrongUsage(`Option '--kill' must be names with commas between, not '${list}'`)
  return names
}

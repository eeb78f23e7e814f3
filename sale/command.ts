import { randomInt } from 'node:crypto'
import { Complaint, runCommand, wholeNumber } from '@timesale/local/commands/command-line'
import { abortedByCtrlC } from '@timesale/local/commands/ctrl-c'
import { endDescendants } from '@timesale/local/supervisor/end-process'
import { shortView, wholeView, type Moment } from './live-view.ts'
import { accountsOf, namesOf, timeSaleOf } from './options.ts'
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
  --accounts N      how many (three for ten buyers a second: each may send 60 orders in 10 s; two at least); many buyers
                    share one
  --limit N         units one buyer may have, by however many orders (2; more where that sells less than there is)
  --starts-in N     seconds until the sale begins (3); some buyers come before, and again then
  --no-time-sale    at the usual price, at any time, as much as anybody wants
  --seed N          who buys what and does what besides; the same seed makes the same buyers
  --kill A,B,...    kill these parts one after the other during the rush (also --kill A --kill B): stock, order, kafka-1,
                    redis, postgres-order, ...; they come back by themselves. npm run status shows their names, and all
                    must be running
  --json            one JSON document at the end, and nothing else
  --progress        with it, what happens meanwhile, as lines on standard error
  --data DIR        the shop of this folder (else TIMESALE_DATA, else .timesale in the clone)
  --help            this text

Exit code 1 when a rule does not hold, 2 when the sale could not begin, 130 after Ctrl-C.
In another terminal: npm run part -- kill stock, and later: npm run part -- start stock`

const FAILED = 1
const NOT_BEGUN = 2
const INTERRUPTED = 130

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
    kill: { type: 'string', multiple: true },
    json: { type: 'boolean' },
    progress: { type: 'boolean' },
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
      const shown = { json: values.json === true, progress: values.progress === true }
      return await sell({ ...asked, ...shown, kill, data: values.data })
    } catch (error) {
      if (error instanceof SaleAborted) return INTERRUPTED
      if (!(error instanceof Complaint)) throw error
      console.error(error.message)
      return NOT_BEGUN
    }
  },
})
// Sockets to a part that hangs must not keep the command alive, and Kafka's tools must not outlive it.
endDescendants()
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
  readonly progress: boolean
  readonly data: string | undefined
}

async function sell({ kill, json, progress, data, ...asked }: Asked): Promise<number> {
  const screen = new Screen(json ? process.stderr : process.stdout)
  const shown = !json || progress || screen.isTerminal
  const say = (text: string): void => (shown ? screen.line(text) : undefined)
  const signal = abortedByCtrlC(
    () => new SaleAborted(),
    () => say('\nStopping.'),
  )
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
      console.log(json ? verdictJson(result, { ...asked, ownShop: shop.own }) : verdictText(result, screen.columns))
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

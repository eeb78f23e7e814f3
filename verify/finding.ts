/** What does not hold. */
export interface Offence {
  readonly rule: string
  /** How many there are. */
  readonly count: number
  /** The first ten, each in words of its own. */
  readonly offenders: readonly string[]
}

/** One rule and what came of it. */
export interface Finding extends Offence {
  readonly holds: boolean
  /** What was counted, in plain words: "1,812 accepted, 1,812 found". */
  readonly says: string
}

/** What must hold, in the order in which it is to be read. */
const RULES = {
  soldOut: 'all units on sale are sold',
  oversold: 'nothing is oversold',
  saleUnits: 'no time sale is oversold',
  buyerLimit: 'no buyer has more of a sale than they may',
  lost: 'no accepted order is lost',
  refused: 'who was turned away has no order',
  asked: 'each order is what its buyer asked for',
  cancelled: 'what buyers cancelled is cancelled',
  decided: 'each order is decided, and once',
  reserved: 'each order has its reservation',
  enough: 'nobody was refused units that were there',
  enoughInSale: 'nobody was refused what a sale still had',
  window: 'orders of a sale were placed inside its window',
  terms: 'orders of a sale are at its price, on its terms',
  held: 'no unit is still held',
  conserved: 'stock is conserved, by a CHECK',
  counted: 'stock is what its reservations say',
  takings: 'takings of sales are what reservations say',
  ledger: 'the ledger leads to each row of stock',
  moved: 'units move once for each step of an order',
  stocked: 'stock has what was put on sale',
  complete: 'each event is on its topic',
  nowhere: 'no event came from nowhere',
  ordered: 'events of one key are in order',
  placed: 'each key is on its partition',
  same: 'each event says what its row says',
  outbox: 'nothing waits in an outbox',
  read: 'each group has read to the end',
  skipped: 'no group has skipped an event',
  parked: 'no event is parked, but for those expected',
  dead: 'no dead letters, but for those expected',
  notices: 'each outcome has one notice',
  sales: 'sales are exact',
  events: 'each event is counted once',
  pages: 'the storefront shows products as they are',
  histories: 'buyers see their orders as they are',
} as const
export type RuleName = keyof typeof RULES

const SHOWN = 10

/** A rule while it is being applied. Counts all offenders and remembers the first ten. */
export class Rule {
  readonly name: string
  readonly #offenders: string[] = []
  #count = 0
  #says = ''

  constructor(name: string) {
    this.name = name
  }

  broken(offender: string, times = 1): void {
    this.#count += times
    if (this.#offenders.length < SHOWN) this.#offenders.push(offender)
  }

  /** What was looked at, and how much of it. */
  says(text: string): void {
    this.#says = text
  }

  get finding(): Finding {
    const { name, ...rest } = { name: this.name, count: this.#count, offenders: this.#offenders, says: this.#says }
    return { rule: name, holds: this.#count === 0, ...rest }
  }
}

/** The rules of one verdict. */
export class Rulebook {
  readonly #rules = new Map<RuleName, Rule>()

  rule(name: RuleName): Rule {
    const rule = this.#rules.get(name) ?? new Rule(RULES[name])
    this.#rules.set(name, rule)
    return rule
  }

  /** Of the rules that were applied. */
  get findings(): Finding[] {
    return (Object.keys(RULES) as RuleName[]).flatMap((name) => this.#rules.get(name)?.finding ?? [])
  }
}

export function count(number: number): string {
  return number.toLocaleString('en-US')
}

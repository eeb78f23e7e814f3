import { settled, type Books, type Finding } from '@timesale/verify/verdict'
import { waitForReturn, type Kill } from './kills.ts'
import type { SaleShop } from './sale-shop.ts'

const AT_REST = 'the shop has come to rest'

/** Waits until nothing is on its way any more, and says whether that came. */
export async function comeToRest(
  shop: SaleShop,
  {
    kills,
    notKilled,
    signal,
    onUnrest,
  }: {
    readonly kills: readonly Kill[]
    /** What should have been killed, and why it was not. */
    readonly notKilled: readonly string[]
    readonly signal: AbortSignal
    readonly onUnrest: (text: string) => void
  },
): Promise<Finding> {
  const killed = [...new Set(kills.map(({ part }) => part))]
  const finding = (more: readonly string[]): Finding => {
    const offenders = [...notKilled, ...more]
    const says = killed.length === 0 ? 'no part was killed by this sale' : `${killed.join(', ')} came back`
    return { rule: AT_REST, holds: offenders.length === 0, says, count: offenders.length, offenders }
  }
  const down = await waitForReturn(shop, killed, signal)
  if (down.length > 0) return finding(down.map((part) => `${part} was killed and did not come back`))
  try {
    await settle(shop.books, signal, onUnrest)
    return finding([])
  } catch (error) {
    signal.throwIfAborted()
    return finding([`${String(error)} npm run status says which part is down or behind.`])
  }
}

async function settle(books: Books, signal: AbortSignal, onUnrest: (text: string) => void): Promise<void> {
  await settled(books, {
    signal,
    onProgress: (unrest) => {
      if (unrest === undefined) return onUnrest('a part does not answer')
      const behind = Object.values(unrest.lags).reduce((sum, lag) => sum + lag, 0)
      onUnrest(`${unrest.undecided} orders undecided, ${unrest.outboxRows} rows in outboxes, ${behind} records unread`)
    },
  })
}

const LOOKS = 3

/**
 * Looks at the books, which are many and read one after the other: where something does not hold and somebody ordered
 * meanwhile, it waits for rest and looks again. After the third time nothing is known.
 */
export async function lookWhileStill(work: {
  readonly look: () => Promise<readonly Finding[]>
  /** Another number after each order and each event. */
  readonly traffic: () => Promise<number>
  readonly rest: () => Promise<Finding>
  readonly onAgain: () => void
}): Promise<readonly Finding[]> {
  for (let looks = 1; ; looks += 1) {
    const before = await work.traffic()
    const findings = await work.look()
    if (findings.every(({ holds }) => holds)) return findings
    const more = (await work.traffic()) - before
    if (more === 0) return findings
    if (looks === LOOKS) return [moved(more)]
    work.onAgain()
    const calm = await work.rest()
    if (!calm.holds) return [calm]
  }
}

function moved(more: number): Finding {
  return {
    rule: 'nobody else orders while the books are read',
    holds: false,
    says: `${more} orders and events came during the last look`,
    count: 1,
    offenders: [
      `somebody else orders here, during each of ${LOOKS} looks: nothing is known of this sale. Sell again when it is quiet.`,
    ],
  }
}

import { setTimeout as sleep } from 'node:timers/promises'
import { Complaint } from '@timesale/local/commands/command-line'
import { ask, type SaleShop } from './sale-shop.ts'

/** Accounts that buyers share, all of them logged in. */
export interface BuyerAccounts {
  readonly ids: readonly string[]
  /** What a request of this account carries. */
  headersFor(accountId: string): Readonly<Record<string, string>>
}

/** Everybody may know it: these accounts buy at local shops, and nowhere else. */
const PASSWORD = 'timesale-sale'
/** The account service hashes two passwords at once, and lets a few more wait. */
const AT_ONCE = 4
const TRIES = 20
const RETRY_MS = 500

/**
 * So many accounts, made where they are not there yet, each with an access token (15 minutes) of its own. By the account
 * service's own port on this machine: at the gateway an address may log in ten times a minute. Rejects with a Complaint.
 */
export async function logBuyersIn(
  shop: SaleShop,
  { count, signal }: { readonly count: number; readonly signal: AbortSignal },
): Promise<BuyerAccounts> {
  const database = (await shop.parts()).find(({ name }) => name === 'postgres-account')
  if (database?.state === 'external') {
    throw new Complaint(
      'The accounts of a sale through the gateway have a password that everybody knows, and are not put into an account database of your own (ACCOUNT_DB_URL).',
    )
  }
  const ids = Array.from({ length: count }, (_none, index) => `sale-buyer-${index + 1}`)
  const tokens = new Map<string, string>()
  const waiting = ids.values()
  const logIn = async (): Promise<void> => {
    for (const accountId of waiting) tokens.set(accountId, await logInAs(shop, accountId, signal))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, logIn))
  return { ids, headersFor: (accountId) => ({ authorization: `Bearer ${tokens.get(accountId) ?? ''}` }) }
}

async function logInAs(shop: SaleShop, accountId: string, signal: AbortSignal): Promise<string> {
  const email = `${accountId}@timesale.example`
  // Looked up first: what is there already costs no hash.
  const found = await askAccount(shop, `/accounts?email=${encodeURIComponent(email)}`, signal)
  if (!found.includes(`"${accountId}"`)) {
    const account = { email, password: PASSWORD, name: accountId, roles: ['buyer'] }
    await askAccount(shop, `/accounts/${accountId}`, signal, account, 'PUT')
  }
  const tokens = await askAccount(shop, '/log-in', signal, { email, password: PASSWORD })
  return (JSON.parse(tokens) as { accessToken: string }).accessToken
}

// Whoever comes when too many passwords wait is told to come again.
async function askAccount(
  shop: SaleShop,
  path: string,
  signal: AbortSignal,
  body?: unknown,
  method?: string,
): Promise<string> {
  for (let tries = 1; ; tries += 1) {
    signal.throwIfAborted()
    const answer = await ask(shop, 'account', path, body, method)
    const text = await answer.text()
    if (answer.ok) return text
    if (answer.status !== 503 || tries === TRIES) {
      throw new Complaint(`The account service answered ${answer.status} to ${path}: ${text}`)
    }
    await sleep(RETRY_MS, undefined, { signal })
  }
}

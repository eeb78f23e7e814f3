import { setTimeout as sleep } from 'node:timers/promises'
import type { AsOperator } from './as-operator.ts'
import { Complaint } from '../commands/command-line.ts'

/** The password of all of them. */
export const demoPassword = 'timesale-demo'

export const demoPeople = [
  { accountId: 'demo-buyer', email: 'buyer@timesale.example', name: 'Demo buyer', roles: ['buyer'] },
  {
    accountId: 'demo-another-buyer',
    email: 'another-buyer@timesale.example',
    name: 'Another demo buyer',
    roles: ['buyer'],
  },
  { accountId: 'demo-seller', email: 'seller@timesale.example', name: 'Demo seller', roles: ['buyer', 'seller'] },
  {
    accountId: 'demo-another-seller',
    email: 'another-seller@timesale.example',
    name: 'Another demo seller',
    roles: ['buyer', 'seller'],
  },
  { accountId: 'demo-operator', email: 'operator@timesale.example', name: 'Demo operator', roles: ['operator'] },
] as const

type DemoPerson = (typeof demoPeople)[number]

const ANSWER_MS = 5000
const RETRY_MS = 300

/**
 * Gives everybody an account who has none, by the account service's open port, and says how many got one. Accounts are
 * never deleted, so the service itself knows whether this was done before; a crash half way is made good by the next start.
 */
export async function letDemoPeopleIn(accountPort: number, as: AsOperator, until: AbortSignal): Promise<number> {
  const isNew = await Promise.all(
    demoPeople.map((person) => letIn(person, `http://127.0.0.1:${accountPort}`, as, until)),
  )
  return isNew.filter(Boolean).length
}

async function letIn(
  { accountId, ...person }: DemoPerson,
  url: string,
  as: AsOperator,
  until: AbortSignal,
): Promise<boolean> {
  for (;;) {
    // Asked first, since each password costs a hash, at every start.
    const found = await ask(as, `${url}/accounts?email=${encodeURIComponent(person.email)}`)
    if (found.status === 200 && found.text.includes(accountId)) return false
    const put = found.status === 200 ? await ask(as, `${url}/accounts/${accountId}`, person) : found
    if (put.status === 200 || put.status === 201) return put.status === 201
    // Somebody else has signed up with this address meanwhile, and keeps it.
    if (put.status === 409) return false
    if ((put.status >= 400 && put.status < 500) || until.aborted) {
      throw new Complaint(
        `The account service did not take ${person.email} (${put.status === 0 ? '' : `${put.status} `}${put.text}).`,
      )
    }
    await sleep(RETRY_MS)
  }
}

async function ask(as: AsOperator, url: string, body?: object): Promise<{ status: number; text: string }> {
  try {
    const answer = await fetch(url, {
      ...(body === undefined ? { headers: await as() } : put({ ...body, password: demoPassword }, await as())),
      signal: AbortSignal.timeout(ANSWER_MS),
    })
    return { status: answer.status, text: await answer.text() }
  } catch (error) {
    return { status: 0, text: error instanceof Error ? error.message : String(error) }
  }
}

function put(body: object, headers: Readonly<Record<string, string>>): RequestInit {
  return { method: 'PUT', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
}

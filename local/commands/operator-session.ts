import { Complaint } from './command-line.ts'
import { readJson, writeJson } from '../shop/data-folder.ts'
import { demoPassword, demoPeople } from '../shop/demo-people.ts'

const ANSWER_MS = 12_000
const operator = demoPeople.find(({ accountId }) => accountId === 'demo-operator')

interface Answer {
  readonly status: number
  readonly body: object
}

/**
 * What a gateway answers the demo operator. Logs in only where `tokenFile` keeps no access token that is still good: log-ins
 * are few a minute for all of an address, the browser's among them, and each is one more session.
 */
export async function askAsOperator(gatewayUrl: string, path: string, tokenFile: string): Promise<unknown> {
  const question = (token: string): Promise<Answer> =>
    ask(`${gatewayUrl}${path}`, { headers: { authorization: `Bearer ${token}` } })
  const kept = keptToken(tokenFile)
  let answer = kept === undefined ? undefined : await question(kept)
  // Expired, of a shop that was in this folder before, or from when the account was no operator yet.
  if (answer === undefined || answer.status === 401 || answer.status === 403) {
    const token = await logIn(gatewayUrl, path)
    keep(tokenFile, token)
    answer = await question(token)
  }
  if (isOk(answer)) return answer.body
  throw refused(path, answer)
}

async function logIn(gatewayUrl: string, path: string): Promise<string> {
  const there = '/api/account/log-in'
  const answer = await ask(`${gatewayUrl}${there}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: operator?.email, password: demoPassword }),
  })
  if (answer.status === 401) {
    throw new Complaint(
      `The shop does not let its demo operator in (${operator?.email}, with the password of all demo people).\n` +
        'npm start makes that account only where the database of account is its own: not behind ACCOUNT_DB_URL, and not where\n' +
        'somebody else has signed up with the address. What may help: sign up with both, and make the account an operator as\n' +
        'services/account/README.md says; or ask with the access token of an operator of yours:\n' +
        `  curl -H "authorization: Bearer $TOKEN" ${gatewayUrl}${path}`,
    )
  }
  if (!isOk(answer)) throw refused(there, answer)
  const { accessToken } = answer.body as { accessToken?: unknown }
  if (typeof accessToken === 'string') return accessToken
  throw new Complaint('The gateway gave an answer that is not understood. Is it of another version?')
}

function keptToken(file: string): string | undefined {
  const { accessToken } = (readJson(file) ?? {}) as { accessToken?: unknown }
  return typeof accessToken === 'string' ? accessToken : undefined
}

function keep(file: string, accessToken: string): void {
  try {
    writeJson(file, { accessToken }, 0o600)
  } catch {
    // The next one logs in again.
  }
}

async function ask(url: string, init: RequestInit): Promise<Answer> {
  try {
    const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(ANSWER_MS) })
    return { status: answer.status, body: (await answer.json().catch(() => ({}))) as object }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Complaint(`The gateway does not answer: ${why}\nLook at npm run status.`)
  }
}

function isOk({ status }: Answer): boolean {
  return status >= 200 && status < 300
}

function refused(path: string, { status, body }: Answer): Complaint {
  return new Complaint(`${status} from ${path}: ${(body as { title?: string }).title ?? 'no reason given'}`)
}

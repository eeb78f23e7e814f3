import { setGatewayClock } from './clock.ts'
import { ApiProblem, problemOf } from './problem.ts'
import { accessToken, type Seat } from './session.ts'

export interface Asked {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Sent as JSON. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
}

const ANSWER_MS = 15_000

/** Asks the gateway on behalf of whoever has the seat. `path` begins with /api. Throws an ApiProblem. */
export async function call<Answer>(seat: Seat, path: string, asked: Asked = {}): Promise<Answer> {
  const answer = await respond(seat, path, asked)
  if (answer.status === 204) return undefined as Answer
  try {
    return (await answer.json()) as Answer
  } catch (cause) {
    throw new ApiProblem('strange-answer', { status: answer.status, cause })
  }
}

/** The same, with the answer's body still to be read. A token that is refused is renewed once. */
export async function respond(seat: Seat, path: string, asked: Asked = {}): Promise<Response> {
  const token = await accessToken(seat)
  const answer = await send(path, token, asked)
  if (answer.ok) return answer
  const problem = await problemOf(answer)
  if (problem.status !== 401) throw problem
  const second = await send(path, await accessToken(seat, token), asked)
  if (second.ok) return second
  throw await problemOf(second)
}

async function send(
  path: string,
  token: string,
  { method = 'GET', body, headers, signal, timeoutMs }: Asked,
): Promise<Response> {
  const late = AbortSignal.timeout(timeoutMs ?? ANSWER_MS)
  try {
    const answer = await fetch(path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: signal === undefined ? late : AbortSignal.any([signal, late]),
      cache: 'no-store',
    })
    const date = answer.headers.get('date')
    // To the second; a stream that tells milliseconds corrects it.
    if (date !== null && !hasFineClock) setGatewayClock(Date.parse(date) + 500)
    return answer
  } catch (cause) {
    // Whoever gave up knows that.
    if (signal?.aborted === true) throw cause
    throw new ApiProblem(late.aborted ? 'no-answer-in-time' : 'no-connection', { cause })
  }
}

let hasFineClock = false

/** `at`: the gateway's clock, to the millisecond. */
export function setFineClock(at: number): void {
  hasFineClock = true
  setGatewayClock(at)
}

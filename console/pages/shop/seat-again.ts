import { ApiProblem } from '../../api/problem.ts'

const AGAIN_MS = 3_000
/** Too many who log in at once, or whoever is asked is on his way or being started. */
const PASSING: ReadonlySet<number> = new Set([429, 502, 503, 504])
const UNHEARD: ReadonlySet<string> = new Set(['no-connection', 'no-answer-in-time'])

/** How long to wait before a seat is asked for again by itself; false: a no that stays one until somebody does something. */
export function againAfterMs(error: unknown): number | false {
  if (!(error instanceof ApiProblem)) return false
  if (!PASSING.has(error.status) && !UNHEARD.has(error.code)) return false
  return Math.max(AGAIN_MS, (error.retryAfterSeconds ?? 0) * 1000)
}

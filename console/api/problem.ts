import type { Problem } from '@timesale/contracts/problem'
import type { RefusalCode } from '@timesale/contracts/refusals'

/** What is wrong besides a refusal of the shop: nobody answered, or something that is no answer of ours. */
type OwnCode = 'no-connection' | 'no-answer-in-time' | 'strange-answer'

/** A request that got no for an answer, or none. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem'
  readonly code: RefusalCode | OwnCode
  /** 0 where the gateway gave no answer. */
  readonly status: number
  readonly document: Partial<Problem>
  readonly retryAfterSeconds: number | undefined

  constructor(
    code: RefusalCode | OwnCode,
    about: {
      readonly status?: number
      readonly document?: Partial<Problem>
      readonly retryAfterSeconds?: number | undefined
      readonly cause?: unknown
    } = {},
  ) {
    super(about.document?.title ?? code, { cause: about.cause })
    this.code = code
    this.status = about.status ?? 0
    this.document = about.document ?? {}
    this.retryAfterSeconds = about.retryAfterSeconds
  }
}

/** Too slow, and too many: what passes by itself. */
const PASSING: ReadonlySet<number> = new Set([408, 429])

/** Whether asking the same again gets the same no. */
export function isFinal(error: unknown): boolean {
  if (!(error instanceof ApiProblem)) return false
  return error.status >= 400 && error.status < 500 && !PASSING.has(error.status)
}

/** What a proxy in between answers with where the gateway does not answer it. */
const UNANSWERED: ReadonlyMap<number, OwnCode> = new Map([
  [502, 'no-connection'],
  [503, 'no-connection'],
  [504, 'no-answer-in-time'],
])

/** Of an answer that is not 2xx. */
export async function problemOf(answer: Response): Promise<ApiProblem> {
  const document = (await answer.json().catch(() => undefined)) as Partial<Problem> | undefined
  const after = Number(answer.headers.get('retry-after'))
  const retryAfterSeconds = after > 0 ? after : undefined
  const unanswered = UNANSWERED.get(answer.status)
  // Every no of the gateway has a code.
  if (unanswered !== undefined && typeof document?.code !== 'string')
    return new ApiProblem(unanswered, { retryAfterSeconds, cause: new Error(`HTTP ${answer.status}`) })
  return new ApiProblem((document?.code as RefusalCode | undefined) ?? 'strange-answer', {
    status: answer.status,
    ...(document === undefined ? {} : { document }),
    retryAfterSeconds,
  })
}

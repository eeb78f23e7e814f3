import type { Problem } from '@timesale/contracts/problem'
import type { RefusalCode } from '@timesale/contracts/refusals'

/** What is wrong besides a refusal of the shop: nobody answered, or something that is no answer of ours. */
type OwnCode = 'no-connection' | 'no-answer-in-time' | 'strange-answer'

/** A request that got no for an answer, or none. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem'
  readonly code: RefusalCode | OwnCode
  /** 0 where there was no answer. */
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

/** Of an answer that is not 2xx. */
export async function problemOf(answer: Response): Promise<ApiProblem> {
  const document = (await answer.json().catch(() => undefined)) as Partial<Problem> | undefined
  const after = Number(answer.headers.get('retry-after'))
  return new ApiProblem((document?.code as RefusalCode | undefined) ?? 'strange-answer', {
    status: answer.status,
    ...(document === undefined ? {} : { document }),
    retryAfterSeconds: after > 0 ? after : undefined,
  })
}

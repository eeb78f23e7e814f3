import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { Refusal, REFUSALS, type RefusalCode } from '@timesale/contracts/refusals'
import type { Problem } from '@timesale/contracts/problem'
import { isInfrastructure, outcomeOf } from '@timesale/postgres/errors'

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8'

/** RFC 9457 document for a refusal code. */
export function problem(code: RefusalCode, extra: Omit<Partial<Problem>, 'code'> = {}): Problem {
  const { status, title } = REFUSALS[code]
  const own = { type: `urn:timesale:problem:${code}`, title, status, code }
  // Once more at the end: what a refusal is about may have a member of the same name, and must not pass for ours.
  return { ...own, ...extra, ...own }
}

/** What went wrong, as a problem document; nothing of our insides leaves the process. */
export function problemOf(error: FastifyError | Error): Problem {
  if (error instanceof Refusal) {
    return problem(error.code, { detail: error.message, ...error.about })
  }
  if ('validation' in error && error.validation !== undefined) {
    return problem('invalid-request', { detail: error.message, errors: fieldErrors(error) })
  }
  const known = 'code' in error ? FRAMEWORK_CODES.get(error.code) : undefined
  if (known !== undefined) return known()
  if (isBrokenOff(error)) return problem('invalid-request', at('body', 'broke off'))
  if (isInfrastructure(error)) {
    return outcomeOf(error) === 'unknown'
      ? problem('outcome-unknown')
      : problem('database-unavailable', { accepted: false })
  }
  return problem('internal-error')
}

// The caller hung up, or was hung up on, in the middle of a body. Fastify makes a 400 of it; the same code of any other
// error is a fault of ours. Nobody reads the answer, but it is counted, and as a fault it would be logged.
function isBrokenOff(error: FastifyError | Error): boolean {
  return 'code' in error && error.code === 'ECONNRESET' && 'statusCode' in error && error.statusCode === 400
}

export function sendProblem(reply: FastifyReply, document: Problem): FastifyReply {
  // Spread out, so that buyers who were turned away together do not come back together.
  if (document.status === 503) void reply.header('retry-after', String(1 + Math.floor(Math.random() * 3)))
  return reply.code(document.status).type(PROBLEM_TYPE).send(JSON.stringify(document))
}

export function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const document = problemOf(error)
  // A refusal with 503 is an answer, and in a rush there are thousands of them a second; these two are faults.
  const fault = document.code === 'internal-error' || document.code === 'outcome-unknown'
  if (fault) request.log.error({ err: error, code: document.code }, 'request failed')
  return sendProblem(reply, document)
}

const FRAMEWORK_CODES: ReadonlyMap<string, () => Problem> = new Map(
  Object.entries({
    FST_ERR_CTP_BODY_TOO_LARGE: () => problem('body-too-large', at('body', 'is larger than this route takes')),
    FST_ERR_CTP_INVALID_MEDIA_TYPE: () =>
      problem('unsupported-media-type', at('content-type', 'must be application/json')),
    FST_ERR_CTP_INVALID_CONTENT_LENGTH: () =>
      problem('invalid-request', at('content-length', 'does not match the body')),
    FST_ERR_BAD_URL: () => problem('invalid-request', at('url', 'is not a valid path')),
    FST_ERR_MAX_PARAM_LENGTH: () => problem('invalid-request', at('url', 'has a step that is too long')),
  }),
)

/** Says of one field what is wrong with it. */
export function at(field: string, message: string): Pick<Problem, 'detail' | 'errors'> {
  return { detail: `${field} ${message}`, errors: [{ field, message }] }
}

// "body/quantity must be integer" with additionalProperties and required named by their own field.
function fieldErrors(error: FastifyError): { field: string; message: string }[] {
  const context = error.validationContext ?? 'body'
  return (error.validation ?? []).map((one) => {
    const path = one.instancePath.split('/').filter((step) => step !== '')
    const params = one.params as { missingProperty?: string; additionalProperty?: string }
    const named = params.missingProperty ?? params.additionalProperty
    const field = [...path, ...(named === undefined ? [] : [named])].join('.')
    return { field: field === '' ? context : field, message: messageOf(one.message, params) }
  })
}

function messageOf(
  message: string | undefined,
  params: { missingProperty?: string; additionalProperty?: string },
): string {
  if (params.missingProperty !== undefined) return 'is missing'
  if (params.additionalProperty !== undefined) return 'is not a known field'
  return message ?? 'is not valid'
}

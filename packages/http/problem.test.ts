import assert from 'node:assert/strict'
import { test } from 'node:test'
import fastify, { errorCodes } from 'fastify'
import { DatabaseError } from 'pg'
import Type from 'typebox'
import { Compile } from 'typebox/compile'
import { Problem } from '@timesale/contracts/problem'
import { Refusal, REFUSALS, type RefusalCode } from '@timesale/contracts/refusals'
import { CommitOutcomeUnknown, DatabaseUnavailable } from '@timesale/postgres/errors'
import { answerError, problem, problemOf } from './problem.ts'

test('a refusal becomes a problem document with its code, its status, and what it is about', () => {
  assert.deepEqual(problemOf(new Refusal('sold-out', { orderId: 'o-1', accepted: false }, 'Nothing is left of A001')), {
    type: 'urn:timesale:problem:sold-out',
    title: 'The product is sold out',
    status: 409,
    code: 'sold-out',
    detail: 'Nothing is left of A001',
    orderId: 'o-1',
    accepted: false,
  })
})

test('every code has a document that fits the contract', () => {
  const schema = Compile(Problem)

  for (const code of Object.keys(REFUSALS) as RefusalCode[]) {
    for (const document of [problem(code), problemOf(new Refusal(code))]) {
      assert.equal(schema.Check(document), true)
      assert.deepEqual([document.code, document.status], [code, REFUSALS[code].status])
    }
  }
})

test('what a refusal is about never covers the members of the document that say what it is', () => {
  const about = { type: 'x', title: 'x', status: 'CONFIRMED', code: 'x', orderId: 'o-1' }

  const { type, title, status, code } = problemOf(new Refusal('order-not-cancellable', about))

  assert.deepEqual({ type, title, status, code }, problem('order-not-cancellable'))
})

test('what the framework refuses keeps a 4xx', () => {
  for (const [error, code] of [
    [new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE(), 'body-too-large'],
    [new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE('text/plain'), 'unsupported-media-type'],
    [new errorCodes.FST_ERR_CTP_INVALID_CONTENT_LENGTH(), 'invalid-request'],
    [new errorCodes.FST_ERR_BAD_URL('/%zz'), 'invalid-request'],
    [new errorCodes.FST_ERR_MAX_PARAM_LENGTH('/orders/x'), 'invalid-request'],
  ] as const) {
    const document = problemOf(error)

    assert.equal(document.code, code)
    assert.ok((document.errors?.length ?? 0) > 0)
  }
})

test('a body that broke off is the fault of whoever sent it', () => {
  const error = Object.assign(new Error('aborted'), { code: 'ECONNRESET', statusCode: 400 })
  const { code, errors } = problemOf(error)

  assert.deepEqual([code, errors], ['invalid-request', [{ field: 'body', message: 'broke off' }]])
})

test('a transaction that had no effect says so, and may be sent again', () => {
  for (const error of [
    new DatabaseUnavailable('gone'),
    databaseError('40001'),
    databaseError('40P01'),
    databaseError('53300'),
    databaseError('57P01'),
  ]) {
    const document = problemOf(error)

    assert.deepEqual([document.code, document.status, document.accepted], ['database-unavailable', 503, false])
  }
})

test('a transaction whose outcome nobody knows promises nothing', () => {
  const document = problemOf(new CommitOutcomeUnknown('lost'))

  assert.deepEqual([document.code, document.status], ['outcome-unknown', 503])
  assert.equal('accepted' in document, false)
})

test('what is a bug of ours is a 500 that tells nothing of our insides', () => {
  for (const error of [
    new Error('secret'),
    new TypeError('secret'),
    databaseError('23505'),
    Object.assign(new Error('secret'), { code: 'ECONNRESET' }),
  ]) {
    const document = problemOf(error)

    assert.deepEqual([document.code, document.status], ['internal-error', 500])
    assert.doesNotMatch(JSON.stringify(document), /secret/)
    assert.equal('accepted' in document, false)
  }
})

test('a body or a parameter that is not valid is answered with the field and why', async () => {
  const { post } = setup()
  for (const [body, field, message] of [
    [{}, 'quantity', /is missing/],
    [{ quantity: '2' }, 'quantity', /must be integer/],
    [{ quantity: 2, extra: 1 }, 'extra', /is not a known field/],
    [{ quantity: 2, name: { en: 1 } }, 'name.en', /must be string/],
    [{ quantity: 2, name: {} }, 'name.en', /is missing/],
    [[2], 'body', /must be object/],
  ] as const) {
    const { statusCode, headers, json } = await post('/things/1', body)

    const { code, errors } = json<Problem>()
    assert.deepEqual([statusCode, code], [400, 'invalid-request'])
    assert.match(String(headers['content-type']), /^application\/problem\+json/)
    assert.equal(errors?.[0]?.field, field)
    assert.match(errors?.[0]?.message ?? '', message)
  }
  const { json } = await post('/things/x', { quantity: 2 })
  assert.equal(json<Problem>().errors?.[0]?.field, 'id')
})

test('whoever is turned away for now is told when to come back, not all at the same moment', async () => {
  const { post } = setup()
  const waits = new Set<number>()
  for (let i = 0; i < 40; i += 1) {
    const { statusCode, headers } = await post('/full', {})
    assert.equal(statusCode, 503)
    waits.add(Number(headers['retry-after']))
  }

  assert.ok(waits.size > 1)
  for (const seconds of waits) assert.ok(Number.isInteger(seconds) && seconds >= 1 && seconds <= 5)
})

test('an answer that is not "later" has no Retry-After', async () => {
  const { headers } = await setup().post('/things/1', {})

  assert.equal('retry-after' in headers, false)
})

function databaseError(code: string): DatabaseError {
  return Object.assign(new DatabaseError('secret', 6, 'error'), { code, severity: 'ERROR' })
}

/** A server that listens nowhere. */
function setup() {
  const app = fastify({ ajv: { customOptions: { removeAdditional: false, coerceTypes: false } } })
  app.setErrorHandler(answerError)
  const body = Type.Object(
    { quantity: Type.Integer(), name: Type.Optional(Type.Object({ en: Type.String() })) },
    { additionalProperties: false },
  )
  const params = Type.Object({ id: Type.String({ pattern: '^[0-9]+$' }) })
  app.post('/things/:id', { schema: { body, params } }, () => 'ok')
  app.post('/full', () => {
    throw new Refusal('outbox-full', { accepted: false })
  })
  return { post: (url: string, payload: object) => app.inject({ method: 'POST', url, payload }) }
}

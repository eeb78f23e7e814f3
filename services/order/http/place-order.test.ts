import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Refusal } from '@timesale/contracts/refusals'
import { createHttpServer } from '@timesale/http/server'
import { OPEN } from '@timesale/identity/principal'
import { createLogger } from '@timesale/telemetry/logger'
import { createRegistry } from '@timesale/telemetry/metrics'
import { placeOrderRoute } from './place-order.ts'

test('who is turned away is told so before his order is read', async () => {
  const app = await createHttpServer({
    service: 'order',
    description: 'One route.',
    logger: createLogger({ service: 'order', level: 'silent' }),
    registry: createRegistry('order'),
    authenticate: () => OPEN,
    health: () => Promise.resolve({ status: 'ready', reasons: [] }),
  })
  let refusalOfAll: Refusal | undefined = new Refusal('overloaded', { accepted: false })
  placeOrderRoute(app, {
    accept: () => Promise.resolve('accepted'),
    get refusalOfAll() {
      return refusalOfAll
    },
  })
  const place = async (payload: string) =>
    await app.inject({ method: 'POST', url: '/orders', headers: { 'content-type': 'application/json' }, payload })

  for (const payload of ['{"orderId":"1","productId":"A001","quantity":1}', 'no order']) {
    const answer = await place(payload)
    assert.equal(answer.statusCode, 503)
    assert.equal(answer.json<{ code: string }>().code, 'overloaded')
    assert.match(String(answer.headers['retry-after']), /^[1-9]\d*$/)
  }

  refusalOfAll = undefined
  assert.equal((await place('no order')).statusCode, 400)
  assert.equal((await place('{"orderId":"1","productId":"A001","quantity":1}')).statusCode, 202)
  await app.close()
})

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { JSONWebKeySet } from 'jose'
import { InternalVerifier } from '@timesale/identity/internal-token'
import type { Principal } from '@timesale/identity/principal'
import { Complaint } from '@timesale/local/commands/command-line'
import { asOperator } from '@timesale/local/shop/as-operator'
import { needsToken } from '@timesale/local/shop/needs-token'
import { makeSecrets } from '@timesale/local/shop/secrets'
import { ask, checkOwnShop, type SaleShop } from './sale-shop.ts'

test('services are asked as an operator, by what they believe', async () => {
  const { gatewaySigningKey, internalKeys } = makeSecrets()
  const verifier = new InternalVerifier({ mode: 'token', keys: JSON.parse(internalKeys) as JSONWebKeySet })
  const callers: Principal[] = []
  await using service = await listen(async (authorization) => {
    callers.push(await verifier.verify(authorization))
    return 200
  })
  const shop = { url: () => service.url, asOperator: asOperator(gatewaySigningKey) } as Partial<SaleShop> as SaleShop

  await ask(shop, 'order', '/orderable-products/1')
  await ask(shop, 'product', '/products', { productId: '1' })

  const operator = { kind: 'account', accountId: 'local-start', roles: ['operator'] }
  assert.deepEqual(callers, [operator, operator])
})

test('a shop that takes nobody without a token is told from one that does', async () => {
  await using open = await listen(async () => 404)
  await using closed = await listen(async () => 401)
  assert.deepEqual([await needsToken(open.url), await needsToken(closed.url)], [false, true])
  await closed[Symbol.asyncDispose]()
  assert.equal(await needsToken(closed.url), false)
})

test('what cannot be sold is told before a shop is started for it', async () => {
  const env = { AUTH_MODE: 'token', REDIS_URL: 'redis://localhost' }
  const check = (kill: string[], throughGateway: boolean) => checkOwnShop({ kill, throughGateway }, env)

  await check(['stock', 'kafka-1', 'postgres-order'], true)
  await assert.rejects(check(['stok'], true), complaint(/^--kill: There is no part 'stok'\. There are: .*kafka-1/))
  await assert.rejects(check(['redis'], true), complaint(/^redis is a server of your own.*--kill\.$/))
  await assert.rejects(check(['stock'], false), complaint(/^Nobody gets into .* add --through gateway$/))
  await checkOwnShop({ kill: [], throughGateway: false }, { ...env, ORDER_AUTH_MODE: 'open' })
})

function complaint(words: RegExp) {
  return (error: unknown) => error instanceof Complaint && words.test(error.message)
}

async function listen(answer: (authorization: string | undefined) => Promise<number>) {
  const server = createServer((request, response) => {
    void answer(request.headers.authorization).then(
      (status) => response.writeHead(status).end(),
      () => response.writeHead(401).end(),
    )
  })
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

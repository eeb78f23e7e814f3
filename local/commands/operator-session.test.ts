import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Complaint } from './command-line.ts'
import { askAsOperator } from './operator-session.ts'

test('the operator logs in once for many questions, and nobody else can read the token', async () => {
  await using shop = await setup()
  for (let call = 1; call <= 12; call += 1) assert.deepEqual(await shop.ask(), { orderId: '1' })
  assert.equal(shop.logIns, 1)
  assert.equal(statSync(shop.tokenFile).mode & 0o777, 0o600)
})

test('a token that is no longer taken is replaced by one log-in, and so is one of which only half is there', async () => {
  await using shop = await setup()
  await shop.ask()
  for (const status of [401, 403]) {
    shop.forgetTokens(status)
    assert.deepEqual(await shop.ask(), { orderId: '1' })
    assert.deepEqual(await shop.ask(), { orderId: '1' })
  }
  writeFileSync(shop.tokenFile, '{"accessTok')
  assert.deepEqual(await shop.ask(), { orderId: '1' })
  assert.equal(shop.logIns, 4)
})

test('after a reset, and where no file can be written, the operator logs in anew', async () => {
  await using shop = await setup()
  await shop.ask()
  rmSync(shop.tokenFile)
  assert.deepEqual(await shop.ask(), { orderId: '1' })
  assert.deepEqual(await shop.ask('/nowhere/session.json'), { orderId: '1' })
  assert.equal(shop.logIns, 3)
})

test('a refusal other than of the token is told as it is, without a log-in more', async () => {
  await using shop = await setup()
  await shop.ask()
  await assert.rejects(
    shop.ask(shop.tokenFile, '/api/orders/2/trace'),
    complaint(/^404 from \/api\/orders\/2\/trace: Not/),
  )
  assert.equal(shop.logIns, 1)
})

test('a shop without demo people says as whom the command wanted to come in, and what to do', async () => {
  await using shop = await setup({ logInStatus: 401 })
  await assert.rejects(
    shop.ask(),
    complaint(/operator@timesale\.example[\s\S]*ACCOUNT_DB_URL[\s\S]*curl .*\/orders\/1\/trace/),
  )
})

test('a log-in that is refused for another reason is told as it is', async () => {
  await using shop = await setup({ logInStatus: 429 })
  await assert.rejects(shop.ask(), complaint(/^429 from \/api\/account\/log-in: Not/))
})

function complaint(words: RegExp) {
  return (error: unknown) => error instanceof Complaint && words.test(error.message)
}

/** A gateway that knows one order, and a folder for the token. */
async function setup({ logInStatus = 200 } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'operator-session-'))
  const tokenFile = join(folder, 'operator-session.json')
  let [logIns, refusal] = [0, 401]
  const tokens = new Set<string>()
  const server = createServer(({ url, headers }, response) => {
    const reply = (status: number, body: object): void => void response.writeHead(status).end(JSON.stringify(body))
    if (url === '/api/account/log-in') {
      logIns += 1
      if (logInStatus !== 200) return reply(logInStatus, { title: 'Not now' })
      tokens.add(`Bearer token-${logIns}`)
      return reply(200, { accessToken: `token-${logIns}` })
    }
    if (!tokens.has(headers.authorization ?? '')) return reply(refusal, { title: 'Not you' })
    return url === '/api/orders/1/trace' ? reply(200, { orderId: '1' }) : reply(404, { title: 'Not there' })
  })
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve))
  // It listens on TCP.
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    tokenFile,
    get logIns() {
      return logIns
    },
    forgetTokens: (status: number) => {
      tokens.clear()
      refusal = status
    },
    ask: (file = tokenFile, path = '/api/orders/1/trace') => askAsOperator(url, path, file),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
      rmSync(folder, { recursive: true })
    },
  }
}

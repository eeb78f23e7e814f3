import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { mock, test } from 'node:test'
import { fetchFromMavenCentral } from './maven-central.ts'
import type { Pin } from './pins.ts'

test('a jar is asked for under its group, name and version', async () => {
  await using central = await standIn((request, response) => response.end(`you asked for ${request.url}`))

  const content = await central.fetch()

  assert.match(Buffer.from(content).toString(), /\/org\/example\/thing\/1\.2\/thing-1\.2\.jar$/)
})

test('a connection that breaks in the middle of a jar is an error that can be caught', async () => {
  await using central = await standIn((_, response) => {
    response.writeHead(200, { 'content-length': 1000 })
    response.write('half', () => response.destroy())
  })

  await assert.rejects(central.fetch())
})

test('an answer other than 200 is an error that says so', async () => {
  await using central = await standIn((_, response) => response.writeHead(503).end())

  await assert.rejects(central.fetch(), /answered 503/)
})

const pin: Pin = { group: 'org.example', artifact: 'thing', version: '1.2', sha256: '', bytes: 1000 }

/** Maven Central on this machine: only the host is another one. */
async function standIn(answer: RequestListener) {
  const server = createServer(answer).listen(0, '127.0.0.1')

  await once(server, 'listening')

  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const realFetch = globalThis.fetch
  const redirected = mock.method(globalThis, 'fetch', (url: string, init?: RequestInit) =>
    realFetch(`http://127.0.0.1:${port}${new URL(url).pathname}`, init),
  )

  return {
    fetch: () => fetchFromMavenCentral(pin, new AbortController().signal),
    [Symbol.asyncDispose]: async () => {
      redirected.mock.restore()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Complaint } from '../commands/command-line.ts'
import { findDataFolder } from '../shop/data-folder.ts'
import { askAction, askAddresses, askPart, askParts } from './control-client.ts'
import { ControlServer } from './control-server.ts'
import type { PartStatus } from './supervisor.ts'
import { claim } from './supervisor-file.ts'

const gateway: PartStatus = { name: 'gateway', kind: 'service', pid: 1, port: 8080, state: 'running' }
const addresses = { kafkaBrokers: 'localhost:9092', databases: {}, signingKey: '{}' }

test('a shop that has its data folder and no parts yet says that it is being prepared', async () => {
  await using shop = await setup()
  const { port, token } = shop.door
  for (const asked of [
    askAddresses(shop.folder),
    askPart(shop.folder, 'gateway'),
    askAction(shop.folder, 'x', 'stop'),
  ]) {
    await assert.rejects(asked, complaint(/still being prepared/))
  }
  assert.deepEqual(await askParts(shop.folder), [])
  const ask = (path: string) =>
    fetch(`http://127.0.0.1:${port}${path}`, { headers: { authorization: `Bearer ${token}` } })
  assert.equal((await ask('/rush')).status, 409)
  shop.serve()
  assert.deepEqual([(await ask('/rush')).status, (await ask('/elsewhere')).status], [200, 404])
})

test('a part of a running shop is found; one that it does not have, and no shop, are complaints of their own', async () => {
  await using shop = await setup()
  shop.serve()
  assert.deepEqual(await askPart(shop.folder, 'gateway'), gateway)
  assert.deepEqual(await askAddresses(shop.folder), addresses)
  assert.equal(await askAction(shop.folder, 'gateway', 'stop'), 'stop gateway')
  await assert.rejects(askPart(shop.folder, 'stok'), complaint(/^The shop has no part 'stok'/))
  const nobodys = await findDataFolder(join(shop.folder.path, 'nobodys'))
  await assert.rejects(askPart(nobodys, 'gateway'), complaint(/^No shop is running on .*nobodys/))
})

test('while a reset holds the data, whoever asks for the shop hears of it', async () => {
  await using shop = await setup({ port: 0 })
  for (const ask of [askParts, askAddresses]) {
    await assert.rejects(ask(shop.folder), complaint(new RegExp(`just being wiped \\(pid ${process.pid}\\)`)))
  }
})

function complaint(words: RegExp) {
  return (error: unknown) => error instanceof Complaint && words.test(error.message)
}

/** A data folder that this process holds, with a door for the commands. */
async function setup(at: { port?: number } = {}) {
  const control = new ControlServer()
  const folder = await findDataFolder(mkdtempSync(join(tmpdir(), 'control-client-')))
  const door = { port: await control.listen(), token: control.token, ...at }
  claim(folder, door)
  return {
    folder,
    door,
    serve: () =>
      control.serve({
        addresses: () => addresses,
        status: () => [gateway],
        act: (name, action) => Promise.resolve(`${action} ${name}`),
        rush: { latest: null, start: () => Promise.reject(new Error('no rush')), stop: () => Promise.resolve(null) },
      }),
    async [Symbol.asyncDispose]() {
      await control[Symbol.asyncDispose]()
      await rm(folder.path, { recursive: true })
    },
  }
}

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { findDataFolder } from '../shop/data-folder.ts'
import { ControlServer } from '../supervisor/control-server.ts'
import { claim } from '../supervisor/supervisor-file.ts'

// What the commands say where the shop cannot be asked, or would be asked something that means nothing.

test('without a shop a command says so, and how it is told of another one', async () => {
  await using data = await setup()
  const [order, kafka] = [await data.complaintOf(1, 'order', '1'), await data.complaintOf(1, 'kafka', 'topics')]
  assert.match(order, /^No shop is running on .* its folder with --data or TIMESALE_DATA\.$/m)
  assert.match(kafka, /^No shop is running on .* its folder with TIMESALE_DATA\.$/m)
})

test('while a shop is being prepared a command says so', async () => {
  await using data = await setup()
  await data.listen()
  assert.match(await data.complaintOf(1, 'order', '1'), /^The shop is still being prepared/)
  assert.match(await data.complaintOf(1, 'status'), /^The shop is still being prepared/)
})

test('a database that a shop of an older version does not have is told apart from no shop', async () => {
  await using data = await setup()
  const control = await data.listen()
  control.serve({
    addresses: () => ({ kafkaBrokers: 'localhost:99999', databases: {}, signingKey: '{}' }),
    status: () => [],
    act: () => Promise.reject(new Error('There are no parts.')),
    rush: { latest: null, start: () => Promise.reject(new Error('no rush')), stop: () => Promise.resolve(null) },
  })
  assert.match(await data.complaintOf(1, 'sql', 'order', 'select 1'), /^The running shop has no database of order:/)
  assert.match(
    await data.complaintOf(1, 'kafka', 'topics'),
    /^Kafka does not answer at localhost:99999\. Look at npm run/,
  )
})

test('what is no id of an order is not asked for, nor a tool that every object has', async () => {
  await using data = await setup()
  for (const id of ['..', 'a b']) assert.match(await data.complaintOf(2, 'order', id), /is no id of an order/, id)
  assert.match(await data.complaintOf(2, 'kafka', 'constructor'), /^Unknown tool 'constructor'/)
})

async function setup() {
  const folder = await findDataFolder(mkdtempSync(join(tmpdir(), 'without-shop-')))
  const control = new ControlServer()
  const { KAFKA_BROKERS: _, ORDER_DB_URL: __, ...others } = process.env
  const env = { ...others, TIMESALE_DATA: folder.path }
  return {
    /** Makes this process the one that holds the folder. */
    listen: async () => {
      claim(folder, { port: await control.listen(), token: control.token })
      return control
    },
    /** What a command writes to standard error when it ends with this code. Not waited for at once: it may ask this process. */
    complaintOf: async (code: number, command: string, ...args: string[]): Promise<string> => {
      const child = spawn(process.execPath, [join(import.meta.dirname, `${command}.ts`), ...args], {
        env,
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      let text = ''
      child.stderr.on('data', (data: Buffer) => (text += data.toString()))
      const ended = await new Promise((resolve) => child.once('close', resolve))
      assert.equal(ended, code, text)
      return text
    },
    async [Symbol.asyncDispose]() {
      await control[Symbol.asyncDispose]()
      await rm(folder.path, { recursive: true })
    },
  }
}

import assert from 'node:assert/strict'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { test } from 'node:test'
import { Complaint } from './command-line.ts'
import { answeringBrokers, needsBrokers } from './kafka-brokers.ts'

test('a tool is told the brokers unless it was told them, or is only to describe itself', () => {
  for (const args of [[], ['--list'], ['--describe', '--topic', 'help'], ['--bootstrap-servers-file', 'x']]) {
    assert.equal(needsBrokers(args), true, args.join(' '))
  }
  for (const given of [
    '--bootstrap-server',
    '--bootstrap-server=x:1',
    '--bootstrap-controller=x:1',
    '--help',
    '--version',
  ]) {
    assert.equal(needsBrokers(['--list', given]), false, given)
  }
})

test('a broker that takes the connection and says nothing, as one that is paused, does not answer', async () => {
  await using paused = await listen(() => {})
  await assert.rejects(answeringBrokers(paused.address, 'npm run status', 100), silent(paused.address))
})

test('of several brokers those are asked that answer', async () => {
  const gone = await listen(() => {})
  await gone[Symbol.asyncDispose]()
  await using awake = await listen((socket) => socket.once('data', () => socket.write('some metadata')))
  const list = `${gone.address}, ${awake.address},localhost:99999`
  assert.equal(await answeringBrokers(list, 'npm run status'), awake.address)
})

test('once one has answered, one that hangs is not waited for long', async () => {
  await using paused = await listen(() => {})
  await using awake = await listen((socket) => socket.once('data', () => socket.write('some metadata')))
  const began = performance.now()
  assert.equal(await answeringBrokers(`${paused.address},${awake.address}`, 'npm run status', 60_000), awake.address)
  assert.ok(performance.now() - began < 20_000)
})

test('a broker that hangs up on a question in plain text is awake', async () => {
  await using secured = await listen((socket) => socket.once('data', () => socket.end()))
  assert.equal(await answeringBrokers(secured.address, 'npm run status'), secured.address)
})

test('where nobody listens, and where nobody can, nobody answers', async () => {
  const gone = await listen(() => {})
  await gone[Symbol.asyncDispose]()
  for (const address of [gone.address, 'localhost:99999', 'localhost:0', 'localhost', ':9092', '']) {
    await assert.rejects(answeringBrokers(address, 'npm run status'), silent(address))
  }
})

function silent(address: string) {
  const message = `Kafka does not answer at ${address}. Look at npm run status.`
  return (error: unknown) => error instanceof Complaint && error.message === message
}

async function listen(connected: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}))
    connected(socket)
  })
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve))
  return {
    // It listens on TCP.
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

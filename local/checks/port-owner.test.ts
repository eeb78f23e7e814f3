import assert from 'node:assert/strict'
import { createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import { parseListeners, parseLsof, portsInUse } from './port-owner.ts'

const heading = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'

test('listeners that a client of localhost would reach are found', () => {
  const text = `${heading}   0: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 x
   1: 00000000:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 222 1 x
   2: 00000000000000000000000001000000:18EB 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1 x
   3: 0000000000000000FFFF00000100007F:2384 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 444 1 x\n`
  assert.deepEqual(parseListeners(text), [
    { port: 8081, inode: '111' },
    { port: 5432, inode: '222' },
    { port: 6379, inode: '333' },
    { port: 9092, inode: '444' },
  ])
})

test('connections, and listeners on other addresses, are none of them', () => {
  const text = `${heading}   0: 0100007F:1F91 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 111 1 x
   1: 0A00A8C0:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 222 1 x\n`
  assert.deepEqual(parseListeners(text), [])
})

test('lsof names the process above its sockets', () => {
  assert.deepEqual(parseLsof('p12\nf3\nn*:8081\nn192.168.0.3:99\np34\nf4\nn127.0.0.1:9092\nf5\nn[::1]:9093\n'), [
    { port: 8081, pid: 12 },
    { port: 9092, pid: 34 },
    { port: 9093, pid: 34 },
  ])
})

test('a port in use is told with its process', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  // It listens on TCP.
  const { port } = server.address() as AddressInfo
  assert.deepEqual(await portsInUse([port]), [{ port, pid: process.pid }])
  await new Promise((resolve) => server.close(resolve))
  assert.deepEqual(await portsInUse([port]), [])
})

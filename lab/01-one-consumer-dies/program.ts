import { Database } from '@timesale/postgres/database'
import { consumeOrders } from './consumer.ts'
import { listenToCalls, takeOrders } from './doors.ts'
import { placing } from './placing.ts'
import type { Given, Told } from './ways.ts'

// One of the programs of a way: the one that takes orders, or one that has to know of them. It runs until it is killed.

const POOL_SIZE = 8
/** As long as buyers wait: whoever is turned away is so for want of another program, and not as this machine is busy. */
const CONNECT_TIMEOUT_MS = 10_000

const given = JSON.parse(process.argv[2] ?? '{}') as Given
const { way, role, ports, brokers, postgresUrl } = given
process.on('disconnect', () => process.exit(1))
const db = new Database({
  ...{ url: postgresUrl, poolSize: POOL_SIZE, applicationName: `${way}-${role}` },
  connectTimeoutMs: CONNECT_TIMEOUT_MS,
})
if (role === 'order') await takeOrders(ports.order, await placing(given, db))
else if (way === 'events') await consumeOrders({ brokers, listener: role }, db)
else await listenToCalls(ports[role], { way, listener: role }, db)
const told: Told = { isReady: true }
process.send?.(told)

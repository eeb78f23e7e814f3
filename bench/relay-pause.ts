import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'

// A relay leads while its session holds this advisory lock of its database (packages/kafka/relay.ts). Whoever else holds
// it pauses the relay, and the product needs no switch for that.
const LEADER_LOCK = 7_215_002_024n
const END_LEADER_EVERY_MS = 50

/** A relay that does not send, until disposed of. */
export type RelayPause = AsyncDisposable

/**
 * Takes the lead of the relay away from whoever has it. `databaseUrl` is a superuser's, of the service's own database. Pause
 * when the outbox is empty: a leader that is cut off in the middle of a batch would have it sent twice.
 */
export async function pauseRelay(databaseUrl: string): Promise<RelayPause> {
  const holder = await connected(databaseUrl)
  const killer = await connected(databaseUrl)
  try {
    // Asked for first, ended then: the lock goes to whoever waits for it, and not to a relay that tries again.
    const locking = holder.query('select pg_advisory_lock($1)', [String(LEADER_LOCK)]).then(() => true)
    const soon = (): Promise<boolean> => sleep(END_LEADER_EVERY_MS, false)
    do {
      await killer.query(
        `select pg_terminate_backend(pid) from pg_locks
         where locktype = 'advisory' and granted and classid = $1::bigint and objid = $2::bigint
           and database = (select oid from pg_database where datname = current_database())`,
        [String(LEADER_LOCK >> 32n), String(LEADER_LOCK & 0xffff_ffffn)],
      )
    } while (!(await Promise.race([locking, soon()])))
  } catch (error) {
    await holder.end()
    throw error
  } finally {
    await killer.end()
  }
  let released: Promise<void> | undefined
  return { [Symbol.asyncDispose]: () => (released ??= holder.end()) }
}

async function connected(connectionString: string): Promise<Client> {
  const client = new Client({ connectionString, application_name: 'bench-relay-pause' })
  // A server that is stopped while the lock is held is told by whoever asks it next.
  client.on('error', () => undefined)
  await client.connect()
  return client
}

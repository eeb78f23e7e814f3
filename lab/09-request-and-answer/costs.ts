import { cpuUs } from '@timesale/bench/cpu-time'
import type { Sql } from '@timesale/postgres/sql'
import type { Offsets } from '@timesale/testkit/offsets'
import { readDatabaseWork } from '../framework/database-work.ts'
import type { KafkaRequests } from './kafka-requests.ts'

/** Of one of the two services, since its start. */
export interface ProcessCosts extends KafkaRequests {
  /** HTTP requests that it answered. */
  readonly calls: number
  readonly cpuUs: number
}

/** Of everything together. */
export interface Costs extends ProcessCosts {
  /** That wrote something, in both databases. */
  readonly transactions: number
  /** On both topics. */
  readonly records: number
  /** Of PostgreSQL and Kafka; 0 where the system does not tell. */
  readonly serversUs: number
}

export interface Watched {
  readonly sql: Sql
  readonly offsets: Offsets
  readonly pids: readonly number[]
  /** Both services. */
  readonly processes: () => Promise<readonly ProcessCosts[]>
}

export function processCosts(requests: () => KafkaRequests, calls: number): ProcessCosts {
  const { user, system } = process.cpuUsage()
  return { ...requests(), calls, cpuUs: user + system }
}

/** Does the work, and tells what it has cost. */
export async function costsOf(watched: Watched, work: () => Promise<void>): Promise<Costs> {
  // The services are asked next to the work: who asks Kafka for the records sends requests of its own.
  const serversBefore = await lookAtServers(watched)
  const before = await lookAtProcesses(watched)
  await work()
  const after = await lookAtProcesses(watched)
  const serversAfter = await lookAtServers(watched)
  return { ...difference(before, after), ...difference(serversBefore, serversAfter) }
}

async function lookAtServers({ sql, offsets, pids }: Watched) {
  const { transactions } = await readDatabaseWork(sql)
  const [placed, reserved] = await Promise.all([offsets.count('order-topic'), offsets.count('stock-topic')])
  return { transactions, records: placed + reserved, serversUs: pids.reduce((sum, pid) => sum + cpuUs(pid), 0) }
}

async function lookAtProcesses({ processes }: Watched): Promise<ProcessCosts> {
  const all = await processes()
  const sum = (what: keyof ProcessCosts): number => all.reduce((total, one) => total + one[what], 0)
  return {
    sends: sum('sends'),
    fetches: sum('fetches'),
    others: sum('others'),
    calls: sum('calls'),
    cpuUs: sum('cpuUs'),
  }
}

function difference<Numbers extends Readonly<Record<keyof Numbers, number>>>(before: Numbers, after: Numbers): Numbers {
  const names = Object.keys(after) as (keyof Numbers)[]
  return Object.fromEntries(names.map((name) => [name, after[name] - before[name]])) as Numbers
}

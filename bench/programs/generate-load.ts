import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { build } from 'hdr-histogram-js'
import { Connection } from '../generator/connection.ts'
import type { FromGenerator, LoadOptions, LoadResult, ToGenerator, ToldRecords } from '../generator/load.ts'
import { OrderRequest, PageRequest } from '../generator/order-request.ts'
import type { SplicedRequest } from '../generator/spliced-request.ts'

// Places orders, or asks for pages, for one run and tells its parent what came back.

const options = await toldOptions()
const { connections, warmUpMs, sampleMs, products, perSecond } = options

const TICK_MS = 1
const LAST_ANSWERS_WITHIN_MS = 15_000
const ORDERS = { method: 'POST', path: '/orders' } as const

const statuses = new Map<number, number>()
const latency = build({
  lowestDiscernibleValue: 1,
  highestTrackableValue: 60_000_000,
  numberOfSignificantValueDigits: 3,
})
const idle: Connection[] = []
let sent = 0
let answered = 0
let refused = 0
let recordsThere = 0
let window = options.window ?? Infinity
let phase: 'warm-up' | 'sample' | 'over' = 'warm-up'
let sampled = 0
// Open loop: the number of the next request, whose time is `startedAt + number * interval`.
let scheduled = 0
let startedAt = 0

function onAnswer(connection: Connection, status: number): void {
  answered += 1
  statuses.set(status, (statuses.get(status) ?? 0) + 1)
  if (phase === 'sample') {
    sampled += 1
    latency.recordValue(Math.max(1, Math.round((performance.now() - connection.sentAt) * 1000)))
  }
  if (status === 503) refused += 1
  if (perSecond !== undefined) {
    idle.push(connection)
    sendDue()
  } else if (status === 503 && options.window !== undefined) idle.push(connection)
  else sendNext(connection)
}

function sendNext(connection: Connection): void {
  if (phase === 'over' || 2 * (sent - refused) - recordsThere >= window) {
    idle.push(connection)
    return
  }
  connection.send(sent, sent % products, performance.now())
  sent += 1
}

function sendDue(): void {
  if (perSecond === undefined || phase === 'over') return
  const due = ((performance.now() - startedAt) * perSecond) / 1000
  while (scheduled <= due) {
    // In turns: a server hangs up on a connection that has never asked anything for ten seconds.
    const connection = idle.shift()
    // All are waiting for answers: this request is late, and its latency says so.
    if (connection === undefined) return
    connection.send(sent, sent % products, startedAt + (scheduled * 1000) / perSecond)
    sent += 1
    scheduled += 1
  }
}

async function lastAnswers(until: number): Promise<void> {
  for (let missing = sent - answered; missing > 0; missing = sent - answered) {
    if (performance.now() > until) onLost(new Error(`${missing} requests were never answered`))
    await sleep(5)
  }
}

function onLost(error: Error): void {
  console.error(`generate-load: ${error.message}`)
  process.exit(1)
}

function tell(message: FromGenerator): void {
  process.send?.(message)
}

async function toldOptions(): Promise<LoadOptions> {
  const [first] = (await once(process, 'message')) as [ToGenerator]
  if ('options' in first) return first.options
  throw new Error('The first message has no options')
}

/** What one connection sends in turns: with each authorization that is its own. */
function requestsOf(connection: number): SplicedRequest[] {
  const { port, idPrefix, authorizations = [], target = ORDERS } = options
  const { method, path } = target
  const own = authorizations.filter((_, index) => index % connections === connection)
  const shared = authorizations[connection % authorizations.length]
  return (own.length > 0 ? own : [shared]).map((authorization) =>
    method === 'GET'
      ? new PageRequest({ port, path, authorization })
      : new OrderRequest({ port, idPrefix, path, authorization }),
  )
}

process.on('message', (message: ToldRecords) => {
  recordsThere = message.records
  window = message.window
  if (perSecond === undefined) for (const connection of idle.splice(0)) sendNext(connection)
})

const all: Connection[] = []
for (let number = 0; number < connections; number += 1) {
  all.push(await Connection.open({ port: options.port, requests: requestsOf(number), onAnswer, onLost }))
}

const startedAtEpoch = performance.timeOrigin + performance.now()
startedAt = performance.now()
let timer: NodeJS.Timeout | undefined
if (perSecond === undefined) for (const connection of all) sendNext(connection)
else {
  idle.push(...all)
  timer = setInterval(sendDue, TICK_MS)
}
await sleep(warmUpMs)
phase = 'sample'
tell({ phase: 'warm' })
const sampleFrom = performance.now()
const cpuBefore = process.cpuUsage()
await sleep(sampleMs)
phase = 'over'
const sampleTo = performance.now()
const cpu = process.cpuUsage(cpuBefore)
clearInterval(timer)
tell({ phase: 'sampled' })

await lastAnswers(sampleTo + LAST_ANSWERS_WITHIN_MS)
const result: LoadResult = {
  statuses: Object.fromEntries(statuses),
  perSecond: (sampled * 1000) / (sampleTo - sampleFrom),
  startedAt: startedAtEpoch,
  endedAt: performance.timeOrigin + sampleTo,
  latencyMs: {
    p50: latency.getValueAtPercentile(50) / 1000,
    p99: latency.getValueAtPercentile(99) / 1000,
    max: latency.maxValue / 1000,
  },
  cpuUs: (cpu.user + cpu.system) / Math.max(1, sampled),
}
tell({ result })
for (const connection of all) connection.close()
process.disconnect?.()

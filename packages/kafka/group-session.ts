import { setTimeout as sleep } from 'node:timers/promises'
import { Consumer } from '@platformatic/kafka'
import { within } from '@timesale/process/deadline'
import type { Logger } from '@timesale/telemetry/logger'
import type { RawRecord } from './decode.ts'
import { fetchRecords, type FetchedRecords, type PartitionOffset } from './fetch.ts'
import { hasApiId } from './protocol-error.ts'

export interface GroupSessionOptions {
  readonly group: string
  readonly topics: readonly string[]
  readonly brokers: readonly string[]
  /** Static membership: a process that was killed and is back takes its partitions back without a rebalance. */
  readonly instanceId: string | undefined
  readonly logger: Logger
  /** True once all of it is durable; tries for ever unless `superseded` says that it is no longer ours to do. */
  readonly process: (records: readonly RawRecord[], superseded: () => boolean) => Promise<boolean>
  readonly onJoined: () => void
  /** There was nothing to fetch. */
  readonly onIdle: () => Promise<void>
  /** The consumer is alive: an answer came, or a batch was finished or tried. */
  readonly onActivity: () => void
  readonly onFallback: (partitions: number, why: string) => void
  readonly signal: AbortSignal
}

/** The session cannot go on and another one must be begun. */
export class SessionBroken extends Error {
  override readonly name = 'SessionBroken'
}

const SESSION_TIMEOUT_MS = 10_000
const HEARTBEAT_MS = 1_000
// Short, because heartbeats and commits wait behind a fetch on the same connection.
const FETCH_WAIT_MS = 100
const FETCH_MAX_BYTES = 1024 * 1024
const FETCH_DEADLINE_MS = 10_000
// While much comes in, fetches begin this far apart, so that a batch is worth its transaction. A record that comes alone
// finds the last fetch long waiting for it, and is answered at once.
const FETCH_GAP_MIN_MS = 15
const FETCH_GAP_MAX_MS = 100
const FULL_BATCH_RECORDS = 500
// Longer than a rebalance may take.
const JOIN_DEADLINE_MS = 20_000
const METADATA_DEADLINE_MS = 5_000
const COMMIT_EVERY_MS = 200
const COMMIT_ALL_EVERY_MS = 10_000
const FETCH_FAILURES_MAX = 20
const READ_UNCOMMITTED = 0
const EARLIEST = -2n
const LATEST = -1n
const OFFSET_OUT_OF_RANGE = 'OFFSET_OUT_OF_RANGE'

interface PartitionState {
  readonly topic: string
  readonly partition: number
  /** The next offset to fetch. */
  position: bigint
  /** Everything before this is done and durable. */
  finished: bigint
  committed: bigint
}

interface Fetched {
  readonly node: number
  readonly generation: number
  readonly records: readonly RawRecord[]
  readonly advance: readonly { readonly state: PartitionState; readonly to: bigint }[]
  readonly error?: unknown
}

/**
 * One membership of a consumer group, from join to leave: fetches what is assigned, one batch ahead, hands it on in
 * order, and commits the finished prefix of each partition every 200 ms, after the database commit, never before.
 *
 * Reads with fetches of our own (fetch.ts) instead of the client's stream: a stream emits records of revoked partitions
 * from its buffer and, after a rejoin, steps back in order. Here a rebalance begins a new generation, and what an older
 * one fetched is thrown away. A batch that is being applied when partitions are taken away does no harm: the inbox
 * decides.
 */
export async function runGroupSession(options: GroupSessionOptions): Promise<void> {
  const session = new GroupSession(options)
  try {
    await session.run()
  } finally {
    await session.close()
  }
}

class GroupSession {
  readonly #options: GroupSessionOptions
  readonly #consumer: Consumer<Buffer, Buffer, Buffer, Buffer>
  readonly #inFlight = new Map<number, Promise<Fetched>>()
  #generation = 0
  #assigned: { generation: number; states: Map<string, PartitionState> } | undefined
  readonly #broken = Promise.withResolvers<never>()
  #isBroken = false
  #committing: Promise<void> | undefined
  #fetchFailures = 0
  #fetchGapMs = FETCH_GAP_MIN_MS
  /** When the last fetch from each broker began, and whether there was so much that the next one need not wait. */
  readonly #fetches = new Map<number, { began: number; wasFull: boolean }>()
  #commitFailing = false
  #commitAllAt = Date.now() + COMMIT_ALL_EVERY_MS
  #memberId: string | undefined

  constructor(options: GroupSessionOptions) {
    this.#options = options
    this.#consumer = new Consumer<Buffer, Buffer, Buffer, Buffer>({
      clientId: `${options.group}-consumer`,
      groupId: options.group,
      ...(options.instanceId === undefined ? {} : { groupInstanceId: options.instanceId }),
      bootstrapBrokers: [...options.brokers],
      autocommit: false,
      sessionTimeout: SESSION_TIMEOUT_MS,
      rebalanceTimeout: 15_000,
      heartbeatInterval: HEARTBEAT_MS,
      isolationLevel: READ_UNCOMMITTED,
      retries: 1,
      retryDelay: 200,
      connectTimeout: 2_000,
      timeout: 5_000,
    })
    this.#consumer.topics.trackAll(...options.topics)
    // Also after every rejoin, with a new generation: positions must be read again.
    this.#consumer.on('consumer:group:join', ({ memberId }: { memberId: string }) => {
      this.#generation += 1
      this.#noticeNewMember(memberId)
      options.onJoined()
    })
    this.#consumer.on('consumer:heartbeat:stalled', () => this.#fail(new SessionBroken('Heartbeats get no answer')))
    this.#consumer.on('error', (error: unknown) => this.#fail(error))
    // Whoever runs the session hears of it; before and after that nobody has to.
    this.#broken.promise.catch(() => undefined)
  }

  async run(): Promise<void> {
    await answered(METADATA_DEADLINE_MS, this.#consumer.findGroupCoordinator(), 'finding the coordinator')
    await answered(JOIN_DEADLINE_MS, this.#consumer.joinGroup({}), 'joining the group')
    const commits = setInterval(() => void this.#commitOrSay(), COMMIT_EVERY_MS)
    try {
      // What breaks the session is heard at once, also while a step waits for an answer that will not come.
      await Promise.race([this.#untilStopped(), this.#broken.promise])
    } finally {
      clearInterval(commits)
    }
  }

  async #untilStopped(): Promise<void> {
    while (!this.#options.signal.aborted && !this.#isBroken) await this.#step()
  }

  /** Commits what is finished and leaves the group. */
  async close(): Promise<void> {
    // Errors say nothing that matters here: what was not committed is delivered again, and dropped by the inbox.
    await answered(1_000, this.#commit(), 'the commit under way').catch(() => undefined)
    await answered(1_000, this.#commit(), 'the last commit').catch(() => undefined)
    await answered(3_000, this.#consumer.close(true), 'leaving the group').catch(() => undefined)
  }

  async #step(): Promise<void> {
    const assigned = await this.#currentAssignment()
    if (assigned.states.size === 0) {
      this.#options.onActivity()
      await sleep(FETCH_WAIT_MS)
      return
    }
    await this.#startFetches(assigned)
    const fetched = await Promise.race(this.#inFlight.values())
    this.#inFlight.delete(fetched.node)
    if (fetched.error !== undefined) return await this.#recover(fetched)
    this.#fetchFailures = 0
    this.#options.onActivity()
    if (fetched.generation !== this.#generation) return

    for (const { state, to } of fetched.advance) state.position = to
    // The next batch is on its way while this one is applied.
    await this.#startFetches(assigned)
    const superseded = (): boolean =>
      fetched.generation !== this.#generation || this.#options.signal.aborted || this.#isBroken
    if (fetched.records.length === 0) await this.#options.onIdle()
    const began = performance.now()
    const done = fetched.records.length === 0 || (await this.#options.process(fetched.records, superseded))
    // The busier the machine, the longer a batch takes, and the larger the next one may become.
    this.#fetchGapMs = Math.min(Math.max(FETCH_GAP_MIN_MS, 2 * (performance.now() - began)), FETCH_GAP_MAX_MS)
    if (!done || fetched.generation !== this.#generation) return
    for (const { state, to } of fetched.advance) state.finished = to
  }

  async #currentAssignment(): Promise<{ generation: number; states: Map<string, PartitionState> }> {
    if (this.#assigned?.generation === this.#generation) return this.#assigned
    const generation = this.#generation
    const assignments = (this.#consumer.assignments ?? []).filter(({ partitions }) => partitions.length > 0)
    const states = new Map<string, PartitionState>()
    if (assignments.length > 0) {
      const topics = assignments.map(({ topic, partitions }) => ({ topic, partitions: [...partitions] }))
      const committed = await answered(
        JOIN_DEADLINE_MS,
        this.#consumer.listCommittedOffsets({ topics }),
        'committed offsets',
      )
      const earliest = await this.#offsets(topics, EARLIEST)
      const latest = await this.#offsets(topics, LATEST)
      let without = 0
      for (const { topic, partitions } of topics) {
        for (const partition of partitions) {
          const known = committed.get(topic)?.[partition] ?? -1n
          const position = known >= 0n ? known : (earliest.get(topic)?.[partition] ?? 0n)
          // Nothing to say of a partition that is still empty: this is the first start, and nothing is read again.
          if (known < 0n && (latest.get(topic)?.[partition] ?? 0n) > position) without += 1
          states.set(`${topic} ${partition}`, { topic, partition, position, finished: position, committed: known })
        }
      }
      if (without > 0) this.#options.onFallback(without, 'no committed offset')
    }
    this.#assigned = { generation, states }
    this.#options.logger.info({ generation, partitions: states.size }, 'consumer: partitions assigned')
    return this.#assigned
  }

  #offsets(
    topics: readonly { topic: string; partitions: readonly number[] }[],
    timestamp: bigint,
  ): Promise<Map<string, bigint[]>> {
    return answered(
      JOIN_DEADLINE_MS,
      this.#consumer.listOffsets({
        topics: topics.map(({ topic }) => topic),
        partitions: Object.fromEntries(topics.map(({ topic, partitions }) => [topic, [...partitions]])),
        timestamp,
      }),
      'offsets',
    )
  }

  async #startFetches(assigned: { generation: number; states: Map<string, PartitionState> }): Promise<void> {
    const asked = this.#consumer.metadata({ topics: [...this.#options.topics] })
    const metadata = await answered(METADATA_DEADLINE_MS, asked, 'metadata')
    const byLeader = new Map<number, PartitionState[]>()
    for (const state of assigned.states.values()) {
      const leader = metadata.topics.get(state.topic)?.partitions[state.partition]?.leader ?? -1
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), state])
    }
    for (const [node, states] of byLeader) {
      if (this.#inFlight.has(node)) continue
      this.#inFlight.set(node, this.#fetch(node, assigned.generation, states))
    }
  }

  async #fetch(node: number, generation: number, states: readonly PartitionState[]): Promise<Fetched> {
    const last = this.#fetches.get(node)
    const waitMs = last === undefined || last.wasFull ? 0 : last.began + this.#fetchGapMs - performance.now()
    if (waitMs >= 1) await sleep(waitMs)
    const fetch = { began: performance.now(), wasFull: false }
    this.#fetches.set(node, fetch)
    const positions = states.map(({ topic, partition, position: offset }) => ({ topic, partition, offset }))
    try {
      const { records, next } = await answered(FETCH_DEADLINE_MS, this.#fetchFrom(node, positions), 'a fetch')
      fetch.wasFull = records.length >= FULL_BATCH_RECORDS
      const advance = next.flatMap(({ topic, partition, offset: to }) => {
        const state = states.find((one) => one.topic === topic && one.partition === partition)
        return state === undefined ? [] : [{ state, to }]
      })
      return { node, generation, records, advance }
    } catch (error) {
      return { node, generation, records: [], advance: [], error }
    }
  }

  async #fetchFrom(node: number, positions: readonly PartitionOffset[]): Promise<FetchedRecords> {
    // A fetch may have waited for its time while the session was closed; a connection made now would never end.
    if (this.#consumer.closed) throw new SessionBroken('The session is closed')
    const connection = (await this.#consumer.connectToBrokers([node])).get(node)
    if (connection === undefined) throw new Error(`No broker ${node} is known`)
    return await fetchRecords(connection, { maxWaitMs: FETCH_WAIT_MS, maxBytes: FETCH_MAX_BYTES, positions })
  }

  async #recover({ error, generation }: Fetched): Promise<void> {
    if (this.#options.signal.aborted) return
    if (hasApiId(error, OFFSET_OUT_OF_RANGE) && generation === this.#generation)
      return await this.#restartLostPartitions()
    this.#fetchFailures += 1
    this.#options.logger.warn({ err: error, failures: this.#fetchFailures }, 'consumer: a fetch failed')
    if (this.#fetchFailures >= FETCH_FAILURES_MAX) throw new SessionBroken('Fetches keep failing', { cause: error })
    this.#consumer.clearMetadata()
    await sleep(Math.min(50 * 2 ** this.#fetchFailures, 1_000) * Math.random())
  }

  // Retention passed us, or the topic was made anew: begin at the beginning, never at the end.
  async #restartLostPartitions(): Promise<void> {
    const states = [...(this.#assigned?.states.values() ?? [])]
    const topics = [...new Set(states.map(({ topic }) => topic))].map((topic) => ({
      topic,
      partitions: states.filter((state) => state.topic === topic).map(({ partition }) => partition),
    }))
    const earliest = await this.#offsets(topics, EARLIEST)
    const latest = await this.#offsets(topics, LATEST)
    let moved = 0
    for (const state of states) {
      const first = earliest.get(state.topic)?.[state.partition] ?? 0n
      const end = latest.get(state.topic)?.[state.partition] ?? 0n
      if (state.position >= first && state.position <= end) continue
      state.position = first
      state.finished = first
      moved += 1
    }
    this.#options.onFallback(moved, 'offset out of range')
  }

  async #commit(): Promise<void> {
    // One at a time; a rejoin in between makes older offsets somebody else's.
    if (this.#committing !== undefined) return await this.#committing
    const assigned = this.#assigned
    if (assigned === undefined || assigned.generation !== this.#generation) return
    // Now and then all of them: a member that slept through a rebalance may have set offsets back that are ours now.
    const all = Date.now() >= this.#commitAllAt
    const due = [...assigned.states.values()].filter(
      ({ finished, committed }) => finished > committed || (all && committed >= 0n),
    )
    if (all) this.#commitAllAt = Date.now() + COMMIT_ALL_EVERY_MS
    if (due.length === 0) return
    const offsets = due.map(({ topic, partition, finished }) => ({
      topic,
      partition,
      offset: finished,
      leaderEpoch: -1,
    }))
    this.#committing = this.#consumer.commit({ offsets }).then(() => {
      for (const [index, state] of due.entries()) state.committed = offsets[index]?.offset ?? state.committed
    })
    try {
      await this.#committing
    } finally {
      this.#committing = undefined
    }
  }

  // What is not committed is read again later, so nothing is lost; but lag that does not fall must have a reason in the log.
  async #commitOrSay(): Promise<void> {
    try {
      await this.#commit()
      this.#commitFailing = false
    } catch (error) {
      if (!this.#commitFailing) this.#options.logger.warn({ err: error }, 'consumer: offsets could not be committed')
      this.#commitFailing = true
    }
  }

  // The client joins anew by itself when the broker has forgotten it. Two processes with one INSTANCE_ID do that to each
  // other for ever, and each believes to be well.
  #noticeNewMember(memberId: string): void {
    const { instanceId, logger } = this.#options
    if (this.#memberId !== undefined && this.#memberId !== memberId && instanceId !== undefined) {
      logger.warn(
        { instanceId },
        'consumer: had to join anew; if this repeats, another process has the same INSTANCE_ID',
      )
    }
    this.#memberId = memberId
  }

  #fail(error: unknown): void {
    this.#isBroken = true
    this.#broken.reject(error ?? new SessionBroken('The consumer failed'))
  }
}

function answered<T>(ms: number, work: Promise<T>, what: string): Promise<T> {
  return within(ms, work, () => new SessionBroken(`No answer within ${ms} ms: ${what}`))
}

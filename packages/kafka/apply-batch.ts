import { Refusal } from '@timesale/contracts/refusals'
import type { Fact } from '@timesale/contracts/event'
import type { Database } from '@timesale/postgres/database'
import { isInfrastructure, isStatementTimeout } from '@timesale/postgres/errors'
import type { Tx } from '@timesale/postgres/sql'
import type { Decoded, RawRecord, ReceivedEvent, Undecodable } from './decode.ts'
import { writeDeadLetters } from './dead-letter.ts'
import {
  isInboxRaced,
  isSameBody,
  judge,
  keyOf,
  lockPositions,
  movePositions,
  type AggregateKey,
  type Move,
  type Position,
} from './inbox.ts'
import { appendToOutbox } from './outbox.ts'
import { findParked, findResumable, isAnythingParked, park, shelve, unparkApplied } from './parked-events.ts'

/** What a service does with a batch of events: all of them next in turn, in the order they came. */
export type Apply = (tx: Tx, events: readonly ReceivedEvent[]) => Promise<readonly Fact[]>

export type EventOutcome = 'applied' | 'skipped' | 'duplicate' | 'parked' | 'dead-letter'

export interface BatchDependencies {
  readonly group: string
  readonly db: Database
  readonly decode: (record: RawRecord) => Decoded
  readonly apply: Apply
  /** Facts are in the outbox and committed. */
  readonly onFacts: () => void
  readonly onOutcome: (outcome: EventOutcome, event: ReceivedEvent | Undecodable, detail?: string) => void
}

const ATTEMPTS_MAX = 3

/**
 * Applies records exactly once in effect: one transaction holds the inbox, the effect and the facts that follow.
 *
 *   decode -> lock the aggregates' positions -> judge each event -> apply those in turn -> move the positions -> commit
 *
 * A batch that fails for a reason of an event's own is halved until that event stands alone; after a few tries it is
 * parked, and later events of its key queue behind it, since to them it is a gap. Records that can never be applied
 * go to the dead-letter topic. Throws only what has nothing to do with any event (isInfrastructure, isInboxRaced): the
 * caller tries the same records again, for ever; what was committed meanwhile is then a duplicate.
 */
export async function applyBatch(on: BatchDependencies, records: readonly RawRecord[]): Promise<void> {
  const decoded = records.map(on.decode)
  const { gapsFilled } = await applyOrSplit(on, decoded)
  if (gapsFilled) await resumeParked(on)
}

/** Applies what waited behind gaps that are filled by now. */
export async function resumeParked(on: BatchDependencies): Promise<void> {
  for (;;) {
    const records = await findResumable(on.db.sql, on.group)
    if (records.length === 0) return
    const decoded = records.map(on.decode)
    await applyOrSplit(
      on,
      decoded.filter((one) => 'event' in one),
    )
    // It could be read when it was parked; this code cannot. It waits for a person, and holds up nobody meanwhile.
    const unreadable = decoded.flatMap((one) => ('dead' in one ? [one.dead] : []))
    for (const { record, message } of unreadable) await on.db.tx((tx) => shelve(tx, on.group, record, message))
  }
}

interface Done {
  /** An aggregate moved on that has parked events. */
  readonly gapsFilled: boolean
}

async function applyOrSplit(on: BatchDependencies, batch: readonly Decoded[]): Promise<Done> {
  try {
    return await applyTogether(on, batch)
  } catch (error) {
    // Half of what is too much work for one statement may not be.
    const mayBeTooMuch = isStatementTimeout(error) && batch.length > 1
    if (isNoEventsFault(error) && !mayBeTooMuch) throw error
    const [only] = batch
    if (batch.length === 1 && only !== undefined) return await tryAlone(on, only, error)
    const middle = Math.ceil(batch.length / 2)
    const first = await applyOrSplit(on, batch.slice(0, middle))
    const second = await applyOrSplit(on, batch.slice(middle))
    return { gapsFilled: first.gapsFilled || second.gapsFilled }
  }
}

async function tryAlone(on: BatchDependencies, decoded: Decoded, firstError: unknown): Promise<Done> {
  let error = firstError
  for (let attempt = 2; attempt <= ATTEMPTS_MAX && !(error instanceof Refusal); attempt += 1) {
    try {
      return await applyTogether(on, [decoded])
    } catch (again) {
      if (isNoEventsFault(again)) throw again
      error = again
    }
  }
  if (!('event' in decoded)) throw error
  const { event } = decoded
  // PostgreSQL's text does not hold U+0000.
  const message = (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).replaceAll('\0', '')
  const attempts = error instanceof Refusal ? 1 : ATTEMPTS_MAX
  await on.db.tx((tx) => park(tx, on.group, event, { reason: 'handler', error: message.slice(0, 2_000), attempts }))
  on.onOutcome('parked', event, message)
  return { gapsFilled: false }
}

function isNoEventsFault(error: unknown): boolean {
  return isInfrastructure(error) || isInboxRaced(error)
}

async function applyTogether(on: BatchDependencies, batch: readonly Decoded[]): Promise<Done> {
  const presumed = presumeInTurn(batch)
  if (presumed !== undefined && (await applyPresumed(on, presumed))) return { gapsFilled: false }
  return await applyJudged(on, batch)
}

interface Presumed {
  readonly events: readonly ReceivedEvent[]
  readonly moves: readonly Move[]
}

// What is applied if each aggregate stands just before its first event here, as it nearly always does; undefined where
// that cannot be presumed.
function presumeInTurn(batch: readonly Decoded[]): Presumed | undefined {
  const bySource = new Map<string, Map<string, PresumedMove>>()
  const events: ReceivedEvent[] = []
  const moves: PresumedMove[] = []
  for (const one of batch) {
    if (!('event' in one) || one.event.ordering !== 'facts') return undefined
    const { event } = one
    let ofSource = bySource.get(event.source)
    if (ofSource === undefined) bySource.set(event.source, (ofSource = new Map()))
    const move = ofSource.get(event.aggregateId)
    if (move === undefined) {
      const begun = new PresumedMove(event)
      ofSource.set(event.aggregateId, begun)
      moves.push(begun)
    } else if (event.version === move.to.version + 1) move.to = event
    else return undefined
    events.push(event)
  }
  return { events, moves }
}

class PresumedMove implements Move {
  readonly source: string
  readonly aggregateId: string
  readonly from: Position | undefined
  to: Position

  constructor(first: ReceivedEvent) {
    this.source = first.source
    this.aggregateId = first.aggregateId
    this.from = first.version > 1 ? { version: first.version - 1, hash: '' } : undefined
    this.to = first
  }
}

// Looks nothing up: the inbox refuses what is not as presumed, and with it everything. False then, and nothing is done.
async function applyPresumed(on: BatchDependencies, { events, moves }: Presumed): Promise<boolean> {
  let factCount = 0
  try {
    await on.db.tx(async (tx) => {
      // It may be their turn that somebody waits for, or they that were set aside.
      if (await isAnythingParked(tx, on.group)) throw new NotAsPresumed()
      const facts = await on.apply(tx, ofUse(events))
      await Promise.all([movePositions(tx, on.group, moves), appendToOutbox(tx, facts, { at: new Date() })])
      factCount = facts.length
    })
  } catch (error) {
    if (isInfrastructure(error)) throw error
    // Something was not as presumed, or fails by itself: seen before or not, that is for the inbox to say.
    return false
  }
  if (factCount > 0) on.onFacts()
  for (const event of events) on.onOutcome(outcomeOf(event), event)
  return true
}

class NotAsPresumed extends Error {}

async function applyJudged(on: BatchDependencies, batch: readonly Decoded[]): Promise<Done> {
  const outcomes: [EventOutcome, ReceivedEvent | Undecodable, string?][] = []
  const events = batch.flatMap((one) => ('event' in one ? [one.event] : []))
  const dead = batch.flatMap((one) => ('dead' in one ? [one.dead] : []))
  let factCount = 0
  let gapsFilled = false

  await on.db.tx(async (tx) => {
    const letters = [...dead]
    if (events.length > 0) {
      const keys = distinctKeys(events)
      const [positions, parked] = await Promise.all([lockPositions(tx, on.group, keys), findParked(tx, on.group, keys)])
      const plan = sortOut(events, positions, parked)
      const facts = await on.apply(tx, ofUse(plan.apply))
      await movePositions(tx, on.group, plan.moves)
      for (const event of plan.park) await park(tx, on.group, event, { reason: 'gap' })
      if (parked.size > 0) {
        await unparkApplied(
          tx,
          on.group,
          keys.filter((key) => parked.has(keyOf(key))),
        )
        gapsFilled = plan.moves.some((move) => parked.has(keyOf(move)))
      }
      gapsFilled ||= plan.park.some((event) => plan.moves.some((move) => keyOf(move) === keyOf(event)))
      await appendToOutbox(tx, facts, { at: new Date() })
      factCount = facts.length
      letters.push(...plan.conflicts)
      for (const event of plan.apply) outcomes.push([outcomeOf(event), event])
      for (const event of plan.duplicates) outcomes.push(['duplicate', event])
      for (const event of plan.park) outcomes.push(['parked', event, 'ahead of its turn'])
    }
    const written = await writeDeadLetters(tx, on.group, letters)
    factCount += written.length
    for (const letter of written) outcomes.push(['dead-letter', letter, `${letter.reason}: ${letter.message}`])
  })

  if (factCount > 0) on.onFacts()
  for (const outcome of outcomes) on.onOutcome(...outcome)
  return { gapsFilled }
}

function ofUse(events: readonly ReceivedEvent[]): ReceivedEvent[] {
  return events.filter((event) => event.definition !== undefined)
}

function outcomeOf(event: ReceivedEvent): EventOutcome {
  return event.definition === undefined ? 'skipped' : 'applied'
}

interface Plan {
  readonly apply: ReceivedEvent[]
  readonly duplicates: ReceivedEvent[]
  readonly park: ReceivedEvent[]
  readonly conflicts: Undecodable[]
  readonly moves: Move[]
}

/** Judges events in the order they came, each on top of those before it. Pure. */
export function sortOut(
  events: readonly ReceivedEvent[],
  positions: ReadonlyMap<string, Position>,
  parked: ReadonlyMap<string, readonly { version: number; hash: string; reason: 'gap' | 'handler' }[]>,
): Plan {
  const plan: Plan = { apply: [], duplicates: [], park: [], conflicts: [], moves: [] }
  const moves = new Map<string, Move>()
  // What this very batch makes wait counts like what waits in the database.
  const queued = new Map<string, ReceivedEvent>()
  const conflict = (event: ReceivedEvent): void => {
    plan.conflicts.push({
      reason: 'id-conflict',
      message: `Another body came under ${event.source} ${event.aggregateId}.${event.version} before`,
      record: event.record,
    })
  }

  for (const event of events) {
    const key = keyOf(event)
    const from = positions.get(key)
    const last = moves.get(key)?.to ?? from
    const stored = parked.get(key)?.find((mark) => mark.version === event.version)
    const waiting = stored ?? queued.get(`${key} ${event.version}`)
    switch (judge(last, event)) {
      case 'duplicate':
        plan.duplicates.push(event)
        break
      case 'conflict':
        conflict(event)
        break
      case 'gap':
        if (waiting === undefined) {
          plan.park.push(event)
          queued.set(`${key} ${event.version}`, event)
        } else if (isSameBody(waiting.hash, event.hash)) plan.duplicates.push(event)
        else conflict(event)
        break
      case 'apply':
        // The body that came first is the one that counts, also while it still waits: its turn comes when it is resumed.
        if (waiting !== undefined && !isSameBody(waiting.hash, event.hash)) {
          conflict(event)
          break
        }
        // Parked by its handler: it stays where it is until somebody redrives it, however often it is delivered.
        if (stored?.reason === 'handler') {
          plan.duplicates.push(event)
          break
        }
        plan.apply.push(event)
        moves.set(key, {
          source: event.source,
          aggregateId: event.aggregateId,
          from,
          to: { version: event.version, hash: event.hash },
        })
    }
  }
  plan.moves.push(...moves.values())
  return plan
}

function distinctKeys(events: readonly ReceivedEvent[]): AggregateKey[] {
  const keys = new Map(
    events.map(({ source, aggregateId }) => [keyOf({ source, aggregateId }), { source, aggregateId }]),
  )
  return [...keys.values()]
}

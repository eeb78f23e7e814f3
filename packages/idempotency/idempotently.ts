import { createHash } from 'node:crypto'
import { Refusal } from '@timesale/contracts/refusals'
import { problemOf } from '@timesale/http/problem'
import type { Database } from '@timesale/postgres/database'
import type { Tx } from '@timesale/postgres/sql'

/** A request that shall have its effect once: the same caller, route and key are the same request. */
export interface Once {
  readonly caller: string
  /** Method and pattern of the path: `POST /products/:productId/units`. */
  readonly route: string
  /** Absent: nothing is kept, and each time is a request of its own. */
  readonly key: string | undefined
  /** All that was asked for, parameters of the path too; plain JSON, in which the order of members means nothing. */
  readonly asked: unknown
}

export interface Outcome {
  readonly status: number
  /** Plain JSON. */
  readonly body: unknown
  /** contracts/view-token.ts, where something was written. */
  readonly viewToken?: string
}

export interface Answer {
  readonly status: number
  /** JSON as it is sent; a problem document where the status is 400 or above. */
  readonly text: string
  readonly viewToken: string | undefined
  /** It was answered before, with these bytes. */
  readonly isReplay: boolean
}

/**
 * Runs `work` and keeps its answer in one transaction, so that the same request sent again, however often and wherever
 * it was cut off, has one effect and gets the same bytes for 72 hours. What is kept: success, and what was refused for
 * the state that things are in (409, 422; its effects are undone). Anything else may be tried again under its key.
 *
 * Throws `request-in-flight` while another one of the same key is being answered, `idempotency-key-reused` where the key
 * was used for something else, and what `work` or the database throws.
 */
export async function idempotently(db: Database, once: Once, work: (tx: Tx) => Promise<Outcome>): Promise<Answer> {
  const { key } = once
  if (key === undefined) return toAnswer(await db.tx(work))
  const asked = hashOf(once.asked)
  return await db.tx(async (tx) => {
    const known = await findAnswer(tx, { ...once, key }, asked)
    if (known !== undefined) return known
    const answer = toAnswer(await workOrRefusal(tx, work))
    await keepAnswer(tx, { ...once, key }, asked, answer)
    return answer
  })
}

type Keyed = Once & { readonly key: string }

interface Row {
  is_same: boolean
  status: number
  body: string
  view_token: string | null
}

async function findAnswer(tx: Tx, { caller, route, key }: Keyed, asked: Buffer): Promise<Answer | undefined> {
  // Tried, not waited for: whoever sends twice at once shall not hold a connection meanwhile. Looked up by a statement
  // after it, which sees what the one before us has committed: its lock ends later than that.
  const [[lock], [row]] = await Promise.all([
    tx<{ free: boolean }>`
      select pg_try_advisory_xact_lock(hashtextextended(${JSON.stringify([caller, route, key])}, ${LOCK_SEED})) as free`,
    tx<Row>`
      select asked = ${asked} as is_same, status, body, view_token
      from idempotency_keys
      where caller = ${caller} and route = ${route} and key = ${key} and answered_at > now() - interval '72 hours'`,
  ])
  if (lock?.free !== true) throw new Refusal('request-in-flight', { accepted: false })
  if (row === undefined) return undefined
  if (!row.is_same) throw new Refusal('idempotency-key-reused', { accepted: false })
  return { status: row.status, text: row.body, viewToken: row.view_token ?? undefined, isReplay: true }
}

/** Keeps these locks apart from others that are made from texts. */
const LOCK_SEED = 7_203

// Decided by the state that things are in, after the request itself was found to be right and allowed.
const KEPT_REFUSALS: ReadonlySet<number> = new Set([409, 422])

async function workOrRefusal(tx: Tx, work: (tx: Tx) => Promise<Outcome>): Promise<Outcome> {
  await tx`savepoint work`
  try {
    return await work(tx)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const body = problemOf(error)
    if (!KEPT_REFUSALS.has(body.status)) throw error
    await tx`rollback to savepoint work`
    return { status: body.status, body }
  }
}

async function keepAnswer(tx: Tx, { caller, route, key }: Keyed, asked: Buffer, answer: Answer): Promise<void> {
  await Promise.all([
    // There may be one of the same key whose time is over.
    tx`
      insert into idempotency_keys (caller, route, key, asked, status, body, view_token)
      values (${caller}, ${route}, ${key}, ${asked}, ${answer.status}, ${answer.text}, ${answer.viewToken ?? null})
      on conflict (caller, route, key) do update
      set asked = excluded.asked, status = excluded.status, body = excluded.body, view_token = excluded.view_token,
        answered_at = excluded.answered_at`,
    // Whoever comes by takes some of the old ones away: more than come, so that they get fewer. Last, and past those that
    // somebody else is at, so that nobody waits for anybody here.
    tx`
      delete from idempotency_keys
      where (caller, route, key) in (
        select caller, route, key
        from idempotency_keys
        where answered_at < now() - interval '72 hours'
        order by answered_at
        limit 10
        for update skip locked)`,
  ])
}

function toAnswer({ status, body, viewToken }: Outcome): Answer {
  return { status, text: JSON.stringify(body), viewToken, isReplay: false }
}

function hashOf(asked: unknown): Buffer {
  const text = JSON.stringify(asked, (_key, value: unknown) => (isPlainObject(value) ? sortMembers(value) : value))
  return createHash('sha256').update(text).digest()
}

function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function sortMembers(value: object): object {
  return Object.fromEntries(Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)))
}

import Type from 'typebox'
import { Compile } from 'typebox/compile'
import {
  PartActionAnswer,
  PartView,
  RushView,
  type PartActionName,
  type StartRush,
} from '@timesale/contracts/console-api'
import { Refusal, type RefusalCode } from '@timesale/contracts/refusals'
import type { SupervisorAddress } from '../config.ts'
import { createPool, NoAnswer, send, type Answer } from '../upstreams/call.ts'

interface Asked<Body> {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly body?: object
  readonly withinMs: number
  /** The refusal that carries the supervisor's own sentence, where it says no. */
  readonly refusal: RefusalCode
  readonly validator: { Check(value: unknown): value is Body }
}

const parts = Compile(Type.Object({ parts: Type.Array(PartView) }))
const said = Compile(PartActionAnswer)
const rush = Compile(Type.Object({ rush: Type.Union([RushView, Type.Null()]) }))

const begunRush = Compile(Type.Object({ rush: RushView }))

const LOOK_MS = 900
const RUSH_MS = 15_000
/** Longer than a part may take to stop and to become ready again. */
const ACT_MS = 120_000
const CONNECTIONS = 8

/**
 * The supervisor of a local start, which starts and stops parts. Throws `upstream-unavailable` where it is not there,
 * `upstream-timeout` and `upstream-failed` where nobody knows what became of it, and its own refusals.
 */
export class Supervisor {
  readonly #pool: ReturnType<typeof createPool>
  readonly #authorization: string

  constructor({ origin, token }: SupervisorAddress) {
    this.#pool = createPool(origin, CONNECTIONS)
    this.#authorization = `Bearer ${token}`
  }

  async parts(): Promise<PartView[]> {
    const asked = {
      method: 'GET',
      path: '/parts',
      withinMs: LOOK_MS,
      refusal: 'part-refused',
      validator: parts,
    } as const
    const { parts: found } = await this.#ask(asked)
    // Processes and whatever else it tells are nobody's business here.
    return found.map(({ name, kind, state, port }) => ({ name, kind, state, port }))
  }

  /** Answers when it is so, in a sentence. */
  async act(part: string, action: PartActionName): Promise<string> {
    const path = `/parts/${encodeURIComponent(part)}/${action}`
    const how = { withinMs: ACT_MS, refusal: 'part-refused', validator: said } as const
    return (await this.#ask({ method: 'POST', path, ...how })).said
  }

  /** The last one that was begun since the start. */
  async rush(): Promise<RushView | null> {
    const how = { withinMs: LOOK_MS, refusal: 'no-rush', validator: rush } as const
    return (await this.#ask({ method: 'GET', path: '/rush', ...how })).rush
  }

  async startRush(wanted: StartRush): Promise<RushView> {
    const how = { withinMs: RUSH_MS, refusal: 'rush-running', validator: begunRush } as const
    return (await this.#ask({ method: 'POST', path: '/rush', body: wanted, ...how })).rush
  }

  /** Answers when it has ended. */
  async stopRush(): Promise<RushView> {
    const how = { withinMs: RUSH_MS, refusal: 'no-rush', validator: begunRush } as const
    return (await this.#ask({ method: 'DELETE', path: '/rush', ...how })).rush
  }

  async close(): Promise<void> {
    await this.#pool.destroy()
  }

  async #ask<Body>({ method, path, body, withinMs, refusal, validator }: Asked<Body>): Promise<Body> {
    const call = {
      ...{ method, path },
      headers: ['authorization', this.#authorization, 'content-type', 'application/json'],
      body: body === undefined ? undefined : Buffer.from(JSON.stringify(body)),
    }
    const answer = await this.#answer(call, withinMs)
    const told = parse(answer)
    if (answer.status === 200 && validator.Check(told)) return told
    const problem = (told as { problem?: unknown } | undefined)?.problem
    if (answer.status === 409 && typeof problem === 'string') throw new Refusal(refusal, { accepted: false }, problem)
    throw new Refusal('upstream-failed', ABOUT)
  }

  async #answer(call: Parameters<typeof send>[1], withinMs: number): Promise<Answer> {
    try {
      return await send(this.#pool, call, withinMs)
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      if (!error.wasSent) throw new Refusal('upstream-unavailable', { ...ABOUT, accepted: false })
      throw new Refusal(error.reason === 'timeout' ? 'upstream-timeout' : 'upstream-failed', ABOUT)
    }
  }
}

const ABOUT = { upstream: 'supervisor' }

function parse({ body }: Answer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

import { Problem } from '@timesale/contracts/problem'
import { ViewState } from '@timesale/contracts/storefront-api'
import type { HttpServer } from '@timesale/http/server'
import { requireRole } from '@timesale/identity/principal'
import { RedisStoreUnavailable, type RedisStore } from '@timesale/redis/redis-store'
import { beginGeneration, readGenerations, readState, type Generations } from '../redis/generations.ts'
import { viewUnavailable } from '../redis/read-view.ts'

export function rebuildViewRoutes(app: HttpServer, { store }: { store: RedisStore }): void {
  app.get(
    '/view',
    {
      schema: {
        summary: 'What is served and what is being built',
        response: { 200: ViewState, '4xx': Problem, 503: Problem },
      },
    },
    async (request) => {
      requireRole(request.principal, 'operator')
      return await available(async () => await stateOf(store, await readGenerations(store)))
    },
  )
  app.post(
    '/rebuild',
    {
      schema: {
        summary: 'Builds the view anew from the beginning of the topics, while the present one is served',
        description: 'While one is being built, that one is meant.',
        response: { 202: ViewState, '4xx': Problem, 503: Problem },
      },
    },
    async (request, reply) => {
      requireRole(request.principal, 'operator')
      const state = await available(async () => await stateOf(store, await beginGeneration(store)))
      return reply.code(202).send(state)
    },
  )
}

async function stateOf(store: RedisStore, { current, next }: Generations): Promise<ViewState> {
  const [served, building] = await Promise.all([oneOf(store, current), oneOf(store, next)])
  return { ...(served === undefined ? {} : { served }), ...(building === undefined ? {} : { building }) }
}

async function oneOf(store: RedisStore, generation: string): Promise<ViewState['served']> {
  const state = generation === '' ? undefined : await readState(store, generation)
  if (state === undefined) return undefined
  const { done, asOf } = state
  // Looked at before some of what was done.
  const total = state.total === undefined ? undefined : Math.max(done, state.total)
  const known = total === undefined ? {} : { total, percent: percentOf(done, total), lagRecords: total - done }
  return { generation, done, ...known, ...(asOf === '' ? {} : { asOf }) }
}

function percentOf(done: number, total: number): number {
  return total === 0 ? 100 : Math.floor((100 * done) / total)
}

async function available<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof RedisStoreUnavailable ? viewUnavailable() : error
  }
}

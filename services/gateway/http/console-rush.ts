import { RushView, StartRush } from '@timesale/contracts/console-api'
import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import type { HttpServer } from '@timesale/http/server'
import { callerOf } from '@timesale/identity/principal'
import type { ConsoleDoor } from '../console/console-door.ts'
import type { Happenings } from '../console/happenings.ts'
import { rushBegunSays } from '../console/sentences.ts'
import type { Supervisor } from '../console/supervisor.ts'

export interface ConsoleRushOptions {
  readonly door: ConsoleDoor
  readonly happenings: Happenings
  readonly supervisor: Supervisor | undefined
}

// POST /api/console/rush begins a rush of buyers, DELETE stops it. How it goes is in the live view.
export function consoleRushRoutes(app: HttpServer, { door, happenings, supervisor }: ConsoleRushOptions): void {
  const supervised = (): Supervisor => {
    if (supervisor === undefined) throw new Refusal('not-supervised', { accepted: false })
    return supervisor
  }
  app.post(
    '/api/console/rush',
    {
      schema: {
        summary: 'Begin a rush of buyers, with a verdict at its end',
        tags: ['console'],
        body: StartRush,
        response: { 200: RushView, '4xx': Problem, '5xx': Problem },
      },
      onRequest: door.toAct,
    },
    async (request) => {
      const rush = await supervised().startRush(request.body)
      const what = rushBegunSays(callerOf(request.principal), rush)
      happenings.add({ about: 'rush', kind: 'rush', good: true, what })
      return rush
    },
  )
  app.delete(
    '/api/console/rush',
    {
      schema: {
        summary: 'Stop the rush',
        tags: ['console'],
        response: { 200: RushView, '4xx': Problem, '5xx': Problem },
      },
      onRequest: door.toAct,
    },
    () => supervised().stopRush(),
  )
}

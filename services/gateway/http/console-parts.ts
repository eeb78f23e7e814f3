import { PartActionAnswer, PartActionParams, type PartActionName } from '@timesale/contracts/console-api'
import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import type { HttpServer, Reply } from '@timesale/http/server'
import { callerOf } from '@timesale/identity/principal'
import type { ConsoleDoor } from '../console/console-door.ts'
import type { Happenings } from '../console/happenings.ts'
import { actionSays, notDoneSays } from '../console/sentences.ts'
import type { Supervisor } from '../console/supervisor.ts'

export interface ConsolePartsOptions {
  readonly door: ConsoleDoor
  readonly happenings: Happenings
  readonly supervisor: Supervisor | undefined
}

const OWN_NAME = 'gateway'
const RAISES: ReadonlySet<PartActionName> = new Set(['start', 'resume', 'restart'])

// POST /api/console/parts/:part/:action does it, waits until it is so, and says what happened.
export function consolePartsRoute(app: HttpServer, { door, happenings, supervisor }: ConsolePartsOptions): void {
  app.post(
    '/api/console/parts/:part/:action',
    {
      schema: {
        summary: 'Stop, start, kill, pause or resume a part of a local start',
        tags: ['console'],
        params: PartActionParams,
        response: { 200: PartActionAnswer, '4xx': Problem, '5xx': Problem },
      },
      onRequest: door.toAct,
    },
    async (request, reply) => {
      if (supervisor === undefined) throw new Refusal('not-supervised', { accepted: false })
      const { part, action } = request.params
      const told = { about: part, kind: 'action', good: RAISES.has(action) } as const
      happenings.add({ ...told, what: actionSays(callerOf(request.principal), part, action) })
      if (part === OWN_NAME && EFFECTS[action] !== undefined)
        return actOnSelf(supervisor, action, EFFECTS[action], reply)
      try {
        return { said: await supervisor.act(part, action) }
      } catch (error) {
        // Who reads the log only must not believe that it was done.
        if (error instanceof Refusal && error.about['accepted'] === false)
          happenings.add({ ...told, good: false, what: notDoneSays(error.message) })
        throw error
      }
    },
  )
}

const EFFECTS: Readonly<Partial<Record<PartActionName, string>>> = {
  stop: 'is being stopped, and this page with it, until it is started: npm run part -- start gateway',
  kill: 'is being killed, and this page with it, until it is started: npm run part -- start gateway',
  pause: 'is being paused, and this page with it, until it is resumed: npm run part -- resume gateway',
  restart: 'is being restarted; this page comes back with it',
}

// The answer has to be out before: nobody could give it afterwards.
function actOnSelf(supervisor: Supervisor, action: PartActionName, effect: string, reply: Reply): PartActionAnswer {
  reply.raw.once('finish', () => {
    supervisor.act(OWN_NAME, action).catch((error: unknown) => {
      // Broken off by our own end: then it is being done.
      const isDone = error instanceof Refusal && error.code === 'upstream-failed'
      if (!isDone) reply.log.warn({ err: error, action }, 'console: the supervisor did not act on the gateway')
    })
  })
  return { said: `${OWN_NAME} ${effect}.` }
}

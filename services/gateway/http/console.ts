import { ConsoleAbout } from '@timesale/contracts/console-api'
import { Problem } from '@timesale/contracts/problem'
import type { HttpServer } from '@timesale/http/server'
import type { Admission } from '../admission/admit.ts'

// GET /api/console: what a console has to know before anybody is logged in.
export function consoleRoute(app: HttpServer, about: ConsoleAbout, admission: Admission): void {
  app.get(
    '/api/console',
    {
      schema: {
        summary: 'What can be done by a console here',
        tags: ['console'],
        response: { 200: ConsoleAbout, '4xx': Problem, '5xx': Problem },
      },
      onRequest: admission.hookOf({ class: 'browse', token: 'none' }),
    },
    () => about,
  )
}

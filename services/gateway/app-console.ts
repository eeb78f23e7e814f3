import type { HttpServer } from '@timesale/http/server'
import { takeJson } from '@timesale/http/json-body'
import type { Admission } from './admission/admit.ts'
import type { GatewayConfig } from './config.ts'
import { consoleDoor, type ConsoleDoor } from './console/console-door.ts'
import { Happenings } from './console/happenings.ts'
import { consoleRoute } from './http/console.ts'

export interface ConsoleOptions {
  readonly config: GatewayConfig
  readonly admission: Admission
}

/** What the routes of the console are made with. */
export interface ConsoleParts {
  readonly door: ConsoleDoor
  /** To be told what operators have done by it. */
  readonly happenings: Happenings
}

/** Everything under /api/console: the part of `app.ts` that is for operators who look at the shop. */
export async function buildConsole(app: HttpServer, { config, admission }: ConsoleOptions): Promise<ConsoleParts> {
  const { actions, supervisor, people } = config.console
  const isLocal = supervisor !== undefined || people.length > 0
  const parts = { door: consoleDoor({ admission, actions, isLocal }), happenings: new Happenings() }
  await app.register((console: HttpServer, _options, done) => {
    // What is passed on stays bytes; what is for us is read.
    console.removeContentTypeParser('application/json')
    takeJson(console)
    consoleRoute(console, { actions, supervised: supervisor !== undefined, people }, admission)
    done()
  })
  return parts
}

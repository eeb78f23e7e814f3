import Type from 'typebox'
import { Happened, LiveHeaders, LiveView } from '@timesale/contracts/console-api'
import { Problem } from '@timesale/contracts/problem'
import type { HttpServer } from '@timesale/http/server'
import { callerOf } from '@timesale/identity/principal'
import type { ConsoleDoor } from '../console/console-door.ts'
import type { LiveStreams } from '../console/live-streams.ts'
import { openSink } from '../console/open-sink.ts'
import { sessionOf } from '../tokens/access-tokens.ts'

/** What comes, one event after the other. */
const LiveEvent = Type.Union([
  Type.Object({ event: Type.Literal('live'), data: LiveView }, { description: 'One a second' }),
  Type.Object(
    { event: Type.Literal('happened'), id: Type.String({ description: 'The id of `data`' }), data: Happened },
    { description: 'What somebody did, or what was seen to change' },
  ),
])

// GET /api/console/live: once a second how everything is, and what happens meanwhile (HTML standard, 9.2).
export function consoleLiveRoute(app: HttpServer, { toLook }: ConsoleDoor, streams: LiveStreams): void {
  app.get(
    '/api/console/live',
    {
      // `manual`: a 429 or 503 is a problem document as everywhere. What is sent is JSON already, the same for everybody.
      sse: { kind: 'manual', serializer: (data: string) => data },
      exposeHeadRoute: false,
      schema: {
        summary: 'How the shop is, each second, and what happens, as server-sent events',
        tags: ['console'],
        headers: LiveHeaders,
        response: {
          200: {
            description: 'Events of this schema, each with its `data` as JSON; ends when the token expires',
            content: { 'text/event-stream': { schema: LiveEvent } },
          },
          '4xx': Problem,
          '5xx': Problem,
        },
      },
      onRequest: toLook,
    },
    async (request, reply) => {
      const about = { accountId: callerOf(request.principal), ...sessionOf(request.raw.rawHeaders) }
      streams.requireRoom(about.accountId)
      const { sink, gone } = openSink(reply.header('cache-control', 'no-store'))
      await streams.run(about, sink, Number(request.headers['last-event-id'] ?? 0), gone)
    },
  )
}

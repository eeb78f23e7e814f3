import type { SSEReplyInterface } from '@fastify/sse'
import Type from 'typebox'
import { MyOrderParams, OrderEventsHeaders, OrderEventsQuery } from '@timesale/contracts/my-order-api'
import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import type { HttpServer, Reply, Request } from '@timesale/http/server'
import { callerOf } from '@timesale/identity/principal'
import type { Admission } from '../admission/admit.ts'
import { changesAfter, isDecided } from '../order-changes/order-change.ts'
import type { EventSink, OrderStream, StreamAbout } from '../order-changes/order-stream.ts'
import type { OrderStreams, OrderStreamsOptions } from '../order-changes/order-streams.ts'
import { sessionOf } from '../tokens/access-tokens.ts'

export interface OrderEventsOptions {
  readonly admission: Admission
  readonly streams: OrderStreams
  readonly readOrder: (reader: StreamAbout & Pick<Request, 'deadline'>) => ReturnType<OrderStreamsOptions['readOrder']>
}

const RETRY_AFTER_S = '10'

// GET /api/orders/:orderId/events tells what happens to an order as it happens (HTML standard, 9.2: server-sent events).
export function orderEventsRoute(app: HttpServer, { admission, streams, readOrder }: OrderEventsOptions): void {
  app.get(
    '/api/orders/:orderId/events',
    {
      // `manual`: a 404, 429 or 503 is a problem document as everywhere, and no stream.
      sse: 'manual',
      // Would be a stream that never says anything.
      exposeHeadRoute: false,
      schema: {
        summary: 'What happens to an order, as server-sent events',
        tags: ['order'],
        params: MyOrderParams,
        querystring: OrderEventsQuery,
        headers: OrderEventsHeaders,
        response: {
          200: {
            description: 'Ends after the last change',
            content: { 'text/event-stream': { schema: Type.String() } },
          },
          204: Type.Null({ description: 'Nothing will happen after this event; do not come again' }),
          '4xx': Problem,
          '5xx': Problem,
        },
      },
      onRequest: admission.hookOf({ class: 'browse', token: 'required' }),
    },
    async (request, reply) => {
      const after = Number(request.headers['last-event-id'] ?? request.query.lastEventId ?? 0)
      const about = aboutOf(request, request.params.orderId)
      const stream = enter(streams, about, reply)
      try {
        const order = await readOrder({ ...about, deadline: request.deadline })
        if (isDecided(order) && changesAfter(order, after).length === 0) return await reply.code(204).send(null)
        await stream.run(
          openSink(reply.header('cache-control', 'no-store').sse, () => stream.end()),
          order,
          after,
        )
      } finally {
        streams.leave(stream)
      }
    },
  )
}

function enter(streams: OrderStreams, about: StreamAbout, reply: Reply): OrderStream {
  try {
    return streams.enter(about)
  } catch (error) {
    // There is room when one of theirs has ended.
    if (error instanceof Refusal && error.code === 'rate-limited') void reply.header('retry-after', RETRY_AFTER_S)
    throw error
  }
}

function aboutOf(request: Request, orderId: string): StreamAbout {
  const { principal, traceparent } = request
  const session = sessionOf(request.raw.rawHeaders)
  return { orderId, accountId: callerOf(principal), principal, ...session, traceparent }
}

// Never waits for a slow reader: all that a stream ever says, heartbeats included, is a few hundred bytes.
function openSink(sse: SSEReplyInterface, onGone: () => void): EventSink {
  const send = (event: Parameters<SSEReplyInterface['send']>[0]): void => {
    if (sse.isConnected) sse.send(event).catch(() => undefined)
  }
  sse.onClose(onGone)
  // Gone before it began: nobody would call `onGone`.
  if (sse.isConnected) sse.sendHeaders()
  else onGone()
  return { send, hintRetry: (retry) => send({ data: undefined, retry }) }
}

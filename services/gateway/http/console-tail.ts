import Type from 'typebox'
import { TailEvent, TopicParams } from '@timesale/contracts/console-api'
import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import type { HttpServer } from '@timesale/http/server'
import { callerOf } from '@timesale/identity/principal'
import type { ConsoleDoor } from '../console/console-door.ts'
import { openSink } from '../console/open-sink.ts'
import type { AskKafka } from '../console-kafka/ask-kafka.ts'
import { topicOf } from '../console-kafka/describe-topics.ts'
import type { TopicTails } from '../console-kafka/topic-tails.ts'
import { sessionOf } from '../tokens/access-tokens.ts'

export interface ConsoleTailOptions {
  readonly door: ConsoleDoor
  readonly ask: AskKafka
  readonly tails: TopicTails
}

/** What comes, one event after the other. */
const RecordsEvent = Type.Object({ event: Type.Literal('records'), data: TailEvent })

// GET /api/console/topics/:topic/tail: what comes to a topic, as it comes (HTML standard, 9.2).
export function consoleTailRoute(app: HttpServer, { door, ask, tails }: ConsoleTailOptions): void {
  app.get(
    '/api/console/topics/:topic/tail',
    {
      // `manual`: a 404 or 429 is a problem document as everywhere. What is sent is JSON already.
      sse: { kind: 'manual', serializer: (data: string) => data },
      exposeHeadRoute: false,
      schema: {
        summary: 'What comes to a topic from now on, as server-sent events',
        tags: ['console'],
        params: TopicParams,
        response: {
          200: {
            description:
              'Events of this schema, each with its `data` as JSON; ends when the token expires or the topic is deleted',
            content: { 'text/event-stream': { schema: RecordsEvent } },
          },
          '4xx': Problem,
          '5xx': Problem,
        },
      },
      onRequest: door.toLook,
    },
    async (request, reply) => {
      const { topic } = request.params
      const about = { accountId: callerOf(request.principal), ...sessionOf(request.raw.rawHeaders) }
      tails.requireRoom(about.accountId)
      await requireTopic(ask, topic)
      const { sink, gone } = openSink(reply.header('cache-control', 'no-store'))
      await tails.run(about, sink, topic, gone)
    },
  )
}

// Where Kafka does not answer the stream says so, and goes on when it is back.
async function requireTopic(ask: AskKafka, topic: string): Promise<void> {
  try {
    await ask(async (cluster) => topicOf(await cluster.state([topic]), topic))
  } catch (error) {
    if (!(error instanceof Refusal && error.code === 'upstream-unavailable')) throw error
  }
}

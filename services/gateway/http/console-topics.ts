import Type from 'typebox'
import { CreateTopic, DeleteTopicQuery, TopicDetail, TopicList, TopicParams } from '@timesale/contracts/console-api'
import { Problem } from '@timesale/contracts/problem'
import type { HttpServer } from '@timesale/http/server'
import type { ConsoleDoor } from '../console/console-door.ts'
import type { Happenings } from '../console/happenings.ts'
import type { LagWatch } from '../console/lag-watch.ts'
import { topicSays } from '../console/sentences.ts'
import type { AskKafka } from '../console-kafka/ask-kafka.ts'
import { createPlayground, deletePlayground } from '../console-kafka/change-topics.ts'
import { describeTopic, listTopics, type TopicRates } from '../console-kafka/describe-topics.ts'

export interface ConsoleTopicsOptions {
  readonly door: ConsoleDoor
  readonly ask: AskKafka
  readonly lags: LagWatch
  readonly happenings: Happenings
}

/** Which topics there are, and playground topics made and deleted. */
export function consoleTopicsRoutes(app: HttpServer, { door, ask, lags, happenings }: ConsoleTopicsOptions): void {
  const tags = ['console']
  const errors = { '4xx': Problem, '5xx': Problem }
  const happened = (topic: string, is: 'made' | 'deleted'): void =>
    happenings.add({ about: topic, kind: 'topic', good: true, what: topicSays(topic, is) })

  const rates = async (): Promise<TopicRates> => (await lags.sample())?.topicRates ?? new Map()

  app.get(
    '/api/console/topics',
    { schema: { summary: 'All topics', tags, response: { 200: TopicList, ...errors } }, onRequest: door.toLook },
    async (): Promise<TopicList> => {
      const topics = await ask(async (cluster) => listTopics(cluster, await rates()))
      return { asOf: new Date().toISOString(), topics }
    },
  )

  app.get(
    '/api/console/topics/:topic',
    {
      schema: {
        summary: 'A topic: its partitions, where they are, and how it is set',
        tags,
        params: TopicParams,
        response: { 200: TopicDetail, ...errors },
      },
      onRequest: door.toLook,
    },
    async ({ params }): Promise<TopicDetail> => {
      const detail = await ask(async (cluster) => describeTopic(cluster, params.topic, await rates()))
      return { asOf: new Date().toISOString(), ...detail }
    },
  )

  app.post(
    '/api/console/topics',
    {
      schema: {
        summary: 'Make a playground topic',
        tags,
        body: CreateTopic,
        response: { 201: CreateTopic, ...errors },
      },
      onRequest: door.toAct,
    },
    async ({ body }, reply) => {
      const made = { partitions: 1, ...body }
      await createPlayground(ask, made)
      happened(made.topic, 'made')
      return await reply.code(201).send(made)
    },
  )

  app.delete(
    '/api/console/topics/:topic',
    {
      schema: {
        summary: 'Delete a playground topic and all its records',
        tags,
        params: TopicParams,
        querystring: DeleteTopicQuery,
        response: { 204: Type.Null({ description: 'It is gone' }), ...errors },
      },
      onRequest: door.toAct,
    },
    async ({ params: { topic }, query }, reply) => {
      await deletePlayground(ask, topic, query.confirm)
      happened(topic, 'deleted')
      return await reply.code(204).send(null)
    },
  )
}

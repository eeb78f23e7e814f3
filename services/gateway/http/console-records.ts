import {
  ProducedRecord,
  ProduceRecord,
  RecordPage,
  RecordParams,
  RecordsQuery,
  RecordView,
  TopicParams,
} from '@timesale/contracts/console-api'
import { Problem } from '@timesale/contracts/problem'
import type { HttpServer } from '@timesale/http/server'
import type { ConsoleDoor } from '../console/console-door.ts'
import type { AskKafka } from '../console-kafka/ask-kafka.ts'
import { produceRecord } from '../console-kafka/change-topics.ts'
import { findRecords, readRecord } from '../console-kafka/find-records.ts'
import { Line } from '../upstreams/line.ts'

export interface ConsoleRecordsOptions {
  readonly door: ConsoleDoor
  readonly ask: AskKafka
}

/** Letters are up to six bytes in JSON. */
const BODY_LIMIT_BYTES = 512 * 1024
// A search reads what it can in two seconds, and buyers come through the same process.
const SEARCHES_MAX = 3
const SEARCHES_WAITING_MAX = 20
const SEARCH_TURN_WITHIN_MS = 2_500

/** What is on topics, found by its place, time, key or text; and one record written to a playground topic. */
export function consoleRecordsRoutes(app: HttpServer, { door, ask }: ConsoleRecordsOptions): void {
  const tags = ['console']
  const errors = { '4xx': Problem, '5xx': Problem }
  const searches = new Line({ insideMax: SEARCHES_MAX, waitingMax: SEARCHES_WAITING_MAX })

  app.get(
    '/api/console/topics/:topic/records',
    {
      schema: {
        summary: 'Records of a topic, as many as are found in two seconds',
        tags,
        params: TopicParams,
        querystring: RecordsQuery,
        response: { 200: RecordPage, ...errors },
      },
      onRequest: door.toLook,
    },
    async ({ params, query }): Promise<RecordPage> => {
      await searches.enter(SEARCH_TURN_WITHIN_MS)
      try {
        const page = await ask((cluster, { deadline }) => findRecords(cluster, params.topic, query, deadline))
        return { asOf: new Date().toISOString(), ...page }
      } finally {
        searches.leave()
      }
    },
  )

  app.get(
    '/api/console/topics/:topic/records/:partition/:offset',
    {
      schema: { summary: 'One record', tags, params: RecordParams, response: { 200: RecordView, ...errors } },
      onRequest: door.toLook,
    },
    ({ params: { topic, partition, offset } }): Promise<RecordView> =>
      ask((cluster) => readRecord(cluster, topic, { partition: Number(partition), offset: BigInt(offset) })),
  )

  app.post(
    '/api/console/topics/:topic/records',
    {
      bodyLimit: BODY_LIMIT_BYTES,
      schema: {
        summary: 'Write one record to a playground topic',
        tags,
        params: TopicParams,
        body: ProduceRecord,
        response: { 201: ProducedRecord, ...errors },
      },
      onRequest: door.toAct,
    },
    async ({ params, body }, reply) => await reply.code(201).send(await produceRecord(ask, params.topic, body)),
  )
}

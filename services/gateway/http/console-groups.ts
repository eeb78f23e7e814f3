import { ClusterView, GroupDetail, GroupList, GroupParams } from '@timesale/contracts/console-api'
import { Problem } from '@timesale/contracts/problem'
import type { HttpServer } from '@timesale/http/server'
import type { ConsoleDoor } from '../console/console-door.ts'
import type { LagWatch } from '../console/lag-watch.ts'
import type { AskKafka } from '../console-kafka/ask-kafka.ts'
import { describeCluster, describeOneGroup, listAllGroups } from '../console-kafka/describe-groups.ts'

export interface ConsoleGroupsOptions {
  readonly door: ConsoleDoor
  readonly ask: AskKafka
  readonly lags: LagWatch
}

/** Who reads topics and how far they are, and which broker is what. */
export function consoleGroupsRoutes(app: HttpServer, { door, ask, lags }: ConsoleGroupsOptions): void {
  const tags = ['console']
  const errors = { '4xx': Problem, '5xx': Problem }

  app.get(
    '/api/console/groups',
    { schema: { summary: 'Consumer groups', tags, response: { 200: GroupList, ...errors } }, onRequest: door.toLook },
    (): Promise<GroupList> => ask(async (cluster) => listAllGroups(cluster, await lags.sample())),
  )

  app.get(
    '/api/console/groups/:group',
    {
      schema: {
        summary: 'A consumer group: members, offsets, lag over time',
        tags,
        params: GroupParams,
        response: { 200: GroupDetail, ...errors },
      },
      onRequest: door.toLook,
    },
    async ({ params: { group } }): Promise<GroupDetail> => {
      const detail = await ask(async (cluster) => describeOneGroup(cluster, group, await lags.sample()))
      return { ...detail, history: lags.historyOf(group) }
    },
  )

  app.get(
    '/api/console/cluster',
    {
      schema: { summary: 'Which broker is what', tags, response: { 200: ClusterView, ...errors } },
      onRequest: door.toLook,
    },
    async (): Promise<ClusterView> => ({ asOf: new Date().toISOString(), ...(await ask(describeCluster)) }),
  )
}

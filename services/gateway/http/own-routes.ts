import { LimitsView, ROUTE_CLASSES, UpstreamsView } from '@timesale/contracts/gateway-api'
import { Problem } from '@timesale/contracts/problem'
import type { HttpServer } from '@timesale/http/server'
import { accountKey, isByAccount, type Admission } from '../admission/admit.ts'
import { addressKey } from '../limits/address.ts'
import type { Limiter } from '../limits/limiter.ts'
import type { Upstream } from '../upstreams/upstream.ts'

export interface OwnRoutesOptions {
  readonly admission: Admission
  readonly limiter: Limiter
  readonly upstreams: readonly Upstream[]
}

/** What the gateway tells of itself. */
export function ownRoutes(app: HttpServer, { admission, limiter, upstreams }: OwnRoutesOptions): void {
  const errors = { '4xx': Problem, '5xx': Problem }
  app.get(
    '/api/limits',
    {
      schema: { summary: 'Limits, and what the caller has spent', response: { 200: LimitsView, ...errors } },
      onRequest: admission.hookOf({ class: 'browse', token: 'optional' }),
    },
    async (request): Promise<LimitsView> => {
      const account = request.principal.kind === 'account' ? request.principal.accountId : undefined
      const wanted = ROUTE_CLASSES.map((routeClass) =>
        account !== undefined && isByAccount(routeClass, account)
          ? { class: routeClass, countedBy: 'account' as const, who: accountKey(account) }
          : { class: routeClass, countedBy: 'address' as const, who: addressKey(request.ip) },
      )
      const { countedIn, counts } = await limiter.read(wanted)
      return {
        countedIn,
        limits: wanted.map(({ class: routeClass, countedBy }, index) => {
          const { limit, ...now } = counts[index] ?? { limit: { points: 1, seconds: 1 }, spent: 0, leftMs: 0 }
          return {
            class: routeClass,
            countedBy,
            ...limit,
            spent: now.spent,
            resetSeconds: Math.ceil(now.leftMs / 1000),
          }
        }),
      }
    },
  )

  app.get(
    '/api/upstreams',
    {
      schema: { summary: 'Services behind, and their breakers', response: { 200: UpstreamsView, ...errors } },
      onRequest: admission.hookOf({ class: 'browse', token: 'required', role: 'operator' }),
    },
    (): UpstreamsView => ({
      upstreams: upstreams.map(({ name, active, waiting, instances }) => ({
        name,
        active,
        waiting,
        instances: instances.map((instance, index) => ({
          number: index + 1,
          url: instance.url,
          breaker: instance.breakerAt(performance.now()),
          ready: instance.isReady,
        })),
      })),
    }),
  )
}

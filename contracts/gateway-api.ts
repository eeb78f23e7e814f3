import Type, { type Static } from 'typebox'

/** How long the caller still waits, in whole milliseconds. It shortens what the gateway allows, which tells services what is left. */
export const TIMEOUT_HEADER = 'x-timeout-ms'

/** What is limited together. Each has a limit of its own for each caller. */
export const ROUTE_CLASSES = ['browse', 'orders', 'write', 'account', 'credentials'] as const
export const RouteClass = Type.Enum([...ROUTE_CLASSES])
export type RouteClass = Static<typeof RouteClass>

const count = Type.Integer({ minimum: 0 })

export const LimitsView = Type.Object({
  countedIn: Type.Enum(['redis', 'memory'], {
    description: 'memory: Redis does not answer, and this gateway counts by itself, up to its share of each limit',
  }),
  limits: Type.Array(
    Type.Object({
      class: RouteClass,
      countedBy: Type.Enum(['account', 'address']),
      points: Type.Integer({ minimum: 1, description: 'Requests in a window' }),
      seconds: Type.Integer({ minimum: 1, description: 'Length of the window, which begins with its first request' }),
      spent: count,
      resetSeconds: count,
    }),
  ),
})
export type LimitsView = Static<typeof LimitsView>

export const UpstreamsView = Type.Object({
  upstreams: Type.Array(
    Type.Object({
      name: Type.String(),
      active: Type.Integer({ minimum: 0, description: 'Requests that are with one of its instances' }),
      waiting: Type.Integer({ minimum: 0, description: 'Requests that wait for their turn' }),
      instances: Type.Array(
        Type.Object({
          number: Type.Integer({
            minimum: 1,
            description: 'Its place in the list; `instance` of gateway_breaker_state in /metrics',
          }),
          url: Type.String(),
          breaker: Type.Enum(['closed', 'open', 'half-open']),
          ready: Type.Boolean({ description: 'What its /readyz said last' }),
        }),
      ),
    }),
  ),
})
export type UpstreamsView = Static<typeof UpstreamsView>

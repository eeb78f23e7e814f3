import type { RouteAdmission } from '@timesale/http/server'
import type { Admitted } from './admit.ts'

/** Besides who may come in: `actions` where the route changes something by the console. */
export interface Door extends Pick<Admitted, 'token' | 'role'> {
  readonly actions?: boolean
}

const doors = new WeakMap<object, Door>()

/** Remembers what a hook asks for, so that /openapi.json says of each route what its hook really does. */
export function withDoor<Hook extends object>(hook: Hook, door: Door): Hook {
  doors.set(hook, door)
  return hook
}

/** For OpenAPI. Nothing where a route has no hook of `withDoor`. */
export function describeDoor(onRequest: unknown): RouteAdmission {
  const door = [onRequest]
    .flat()
    .map((hook) => doors.get(hook as object))
    .find((one) => one !== undefined)
  if (door === undefined) return {}
  const says = [
    ...(door.role === undefined ? [] : [`For callers with the role \`${door.role}\`.`]),
    ...(door.actions === true
      ? ['Refused with `read-only` unless the gateway runs with `GATEWAY_CONSOLE_ACTIONS=on`.']
      : []),
  ]
  return {
    security: SECURITY[door.token],
    ...(says.length === 0 ? {} : { description: says.join(' ') }),
  }
}

const SECURITY: Readonly<Record<Door['token'], NonNullable<RouteAdmission['security']>>> = {
  required: [{ bearer: [] }],
  optional: [{}, { bearer: [] }],
  none: [],
}

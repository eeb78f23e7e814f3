import type { Text } from '../framework/experiment.ts'

/** How those who have to know of an order come to know of it. */
export type Way = 'in-request' | 'afterwards' | 'events'
/** Who has to: each leaves a row for an order, its effect. */
export type Listener = 'stock' | 'notification'
export type Role = 'order' | Listener

export const WAYS: Readonly<Record<Way, Text>> = {
  'in-request': { en: 'called in the request', ko: '요청 안에서 호출' },
  afterwards: { en: 'called afterwards', ko: '응답하고 나중에 호출' },
  events: { en: 'events', ko: '이벤트' },
}

export function everyWay(): Way[] {
  return Object.keys(WAYS) as Way[]
}

/** What a program is started with. */
export interface Given {
  readonly way: Way
  readonly role: Role
  /** Where each of this way's programs is called over HTTP. */
  readonly ports: Readonly<Record<Role, number>>
  readonly brokers: string
  readonly postgresUrl: string
}

/** Said once by a program, when it does its work. */
export interface Told {
  readonly isReady: true
}

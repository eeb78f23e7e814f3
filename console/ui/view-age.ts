import type { LiveView } from '@timesale/contracts/console-api'

/** Lag is read each second; what was read longer ago than this says nothing of now. */
const OLD_AFTER_MS = 5_000

export interface Shown {
  readonly groups: LiveView['groups']
  readonly group: string
  /** When the figures were read. */
  readonly read: string
  /** By the gateway's clock. */
  readonly now: number
}

/** Up to when everything is in figures that a group gathers; undefined where that is not known. */
export function shownUpTo({ groups, group, read, now }: Shown): string | undefined {
  if (groups === null || now - Date.parse(groups.asOf) > OLD_AFTER_MS) return undefined
  const lagSeconds = groups.list.find((one) => one.group === group)?.lagSeconds ?? null
  if (lagSeconds === null) return undefined
  if (lagSeconds === 0) return read
  return new Date(Math.min(Date.parse(read), Date.parse(groups.asOf) - lagSeconds * 1000)).toISOString()
}

import type { GroupDetail, GroupLagView } from '@timesale/contracts/console-api'

export interface Lags {
  /** When they were read. */
  readonly asOf: string
  readonly groups: readonly GroupLagView[]
  /** Records that come to each topic in a second; empty until they were looked at twice. */
  readonly topicRates: ReadonlyMap<string, number>
}

/** How far groups are behind, watched each second while somebody asks, and for a minute after. */
export interface LagWatch {
  /** As they were a second ago, or when Kafka last answered; undefined where it has not of late. Waits for the first look. */
  sample(): Promise<Lags | undefined>
  /** Oldest first, ten minutes at most; empty where the group was not seen. */
  historyOf(group: string): GroupDetail['history']
}

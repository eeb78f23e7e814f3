import { Refusal } from '@timesale/contracts/refusals'
import { clusterAt, ClusterUnreachable, type Cluster } from '@timesale/kafka/cluster'
import { MalformedRecords } from '@timesale/kafka/fetched-record'
import { refusedWith } from '@timesale/kafka/protocol-error'
import { calmLog, type Logger } from '@timesale/telemetry/logger'

/** What a question is to know of its own asking. */
interface Asking {
  /** Called just before something is changed: from then on a missing answer is `upstream-timeout`, since nobody knows what became of it. */
  readonly begun: () => void
  /** When whatever has no end of its own has to stop, by `performance.now()`. */
  readonly deadline: number
}

/** Asks the brokers. Throws `upstream-unavailable` where there is no answer in time, and `upstream-failed` where they say no. */
export type AskKafka = <T>(question: (cluster: Cluster, asking: Asking) => Promise<T>) => Promise<T>

/** Of all the time; the rest is for what comes before and after. */
const SEARCH_SHARE = 0.8

export function askKafka(options: {
  readonly brokers: readonly string[]
  readonly withinMs: number
  readonly logger: Logger
}): AskKafka {
  const { brokers, withinMs, logger } = options
  const ask = clusterAt({ clientId: 'timesale-gateway-console', brokers, withinMs })
  const unreachable = calmLog(logger, 'console: Kafka does not answer', 1)
  return async (question) => {
    const deadline = performance.now() + SEARCH_SHARE * withinMs
    let isBegun = false
    const begun = (): void => {
      isBegun = true
    }
    try {
      return await ask((cluster) => question(cluster, { begun, deadline }))
    } catch (error) {
      if (error instanceof MalformedRecords) throw new Refusal('upstream-failed', {}, error.message)
      if (!(error instanceof ClusterUnreachable)) throw error
      const refused = refusedWith(error)
      if (refused !== undefined)
        throw new Refusal('upstream-failed', { accepted: false }, `Kafka refuses it: ${refused}`)
      unreachable(() => ({ err: error }))
      throw isBegun
        ? new Refusal('upstream-timeout', {}, 'Kafka did not confirm it in time: look whether it was done')
        : new Refusal('upstream-unavailable', { accepted: false }, 'Kafka does not answer; try again soon')
    }
  }
}

import { Refusal } from '@timesale/contracts/refusals'
import { clusterAt, ClusterUnreachable, type Cluster } from '@timesale/kafka/cluster'
import { MalformedRecords } from '@timesale/kafka/fetched-record'
import { refusedWith } from '@timesale/kafka/protocol-error'
import { calmLog, type Logger } from '@timesale/telemetry/logger'

/**
 * Asks the brokers and answers within three seconds, or throws `upstream-unavailable`; `upstream-failed` where they say no. A question that changes something says
 * so by `begun` just before: from then on a missing answer is `upstream-timeout`, and nobody knows what became of it.
 */
export type AskKafka = <T>(question: (cluster: Cluster, begun: () => void) => Promise<T>) => Promise<T>

const ANSWER_MS = 2_800

export function askKafka({ brokers, logger }: { brokers: readonly string[]; logger: Logger }): AskKafka {
  const ask = clusterAt({ clientId: 'timesale-gateway-console', brokers, withinMs: ANSWER_MS })
  const unreachable = calmLog(logger, 'console: Kafka does not answer', 1)
  return async (question) => {
    let isBegun = false
    const begun = (): void => {
      isBegun = true
    }
    try {
      return await ask((cluster) => question(cluster, begun))
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

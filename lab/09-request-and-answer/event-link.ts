import { setTimeout as sleep } from 'node:timers/promises'
import type { EventDefinition } from '@timesale/contracts/event'
import type { Group, TopicName } from '@timesale/contracts/topics'
import { applyBatch, type Apply } from '@timesale/kafka/apply-batch'
import { createDecoder } from '@timesale/kafka/decode'
import { runGroupSession } from '@timesale/kafka/group-session'
import { Relay } from '@timesale/kafka/relay'
import { within } from '@timesale/process/deadline'
import type { Database } from '@timesale/postgres/database'
import { createLogger } from '@timesale/telemetry/logger'
import { createRegistry } from '@timesale/telemetry/metrics'

export interface EventLinkOptions {
  readonly group: Group
  readonly topic: TopicName
  /** The one event that is heard. */
  readonly hears: EventDefinition
  readonly apply: Apply
  /** What was heard of this aggregate is committed. */
  readonly onApplied?: (aggregateId: string) => void
  readonly db: Database
  readonly dbUrl: string
  readonly brokers: readonly string[]
}

const REJOIN_MS = 200
/** Less than whoever has started us waits for us, so that the reason is told. */
const JOINED_WITHIN_MS = 50_000

/**
 * How a service of the shop speaks and hears: its relay sends what is in the outbox, and its consumer applies what comes
 * to a topic, with the inbox in the transaction of the work.
 */
export interface EventLink extends AsyncDisposable {
  /** Facts were committed to the outbox. */
  wake(): void
  /** Why its consumer had to join anew, if it had: what somebody who waits in vain wants to know. */
  readonly lastFailure: unknown
}

/** Resolves when its consumer has joined its group. */
export async function openEventLink(options: EventLinkOptions): Promise<EventLink> {
  const { group, topic, hears, db, dbUrl, brokers } = options
  const logger = createLogger({ service: group, level: 'error' })
  const relay = new Relay({ service: group, dbUrl, brokers, logger, registry: createRegistry(group) })
  relay.start()
  const stop = new AbortController()
  const joined = Promise.withResolvers<void>()
  let lastFailure: unknown
  const batch = {
    ...{ group, db, decode: createDecoder([hears], [hears]), apply: options.apply },
    onFacts: () => relay.wake(),
    onOutcome: (outcome: string, event: object) => {
      if (outcome === 'applied' && 'aggregateId' in event) options.onApplied?.(String(event.aggregateId))
    },
  }
  const session = (): Promise<void> =>
    runGroupSession({
      ...{ group, topics: [topic], brokers, logger, signal: stop.signal },
      // Who is killed and comes back has its partitions at once.
      instanceId: group,
      process: async (records) => {
        await applyBatch(batch, records)
        return true
      },
      onJoined: () => joined.resolve(),
      onIdle: () => Promise.resolve(),
      onActivity: () => undefined,
      onFallback: () => undefined,
    })
  const follow = async (): Promise<void> => {
    // A broker that has just been started coordinates no group yet.
    while (!stop.signal.aborted) {
      try {
        await session()
      } catch (error) {
        lastFailure = error
        await sleep(REJOIN_MS)
      }
    }
  }
  const following = follow()
  const close = async (): Promise<void> => {
    stop.abort()
    await Promise.all([relay.stop(), following])
  }
  const late = (): Error =>
    new Error(`The group ${group} was not joined within ${JOINED_WITHIN_MS} ms`, { cause: lastFailure })
  try {
    await within(JOINED_WITHIN_MS, joined.promise, late)
  } catch (error) {
    await close()
    throw error
  }
  return {
    wake: () => relay.wake(),
    get lastFailure() {
      return lastFailure
    },
    [Symbol.asyncDispose]: close,
  }
}

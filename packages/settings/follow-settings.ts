import { DEFAULT_SETTINGS, SETTINGS_ID, type Settings } from '@timesale/contracts/settings'
import { SettingsChanged } from '@timesale/contracts/settings-events'
import { isEvent, type ReceivedEvent } from '@timesale/kafka/decode'
import { TopicTail } from '@timesale/kafka/topic-tail'
import type { Logger } from '@timesale/telemetry/logger'

// A fetch is answered as soon as something comes; with several brokers a change waits for no longer than this.
const MAX_WAIT_MS = 500

/**
 * What operators have set, as this process has heard it: `current` is there at once, with the defaults until the first
 * word, and follows within a second while Kafka is there. Without Kafka the last that was heard stays.
 */
export class SettingsFollower {
  readonly #tail: TopicTail
  readonly #logger: Logger
  #current: Settings = DEFAULT_SETTINGS
  #version = 0

  constructor(options: {
    /** The service that obeys. */
    readonly service: string
    readonly brokers: readonly string[]
    readonly logger: Logger
  }) {
    this.#logger = options.logger
    this.#tail = new TopicTail({
      clientId: `${options.service}-settings`,
      topics: ['settings-topic'],
      from: 'beginning',
      uses: [SettingsChanged],
      brokers: options.brokers,
      logger: options.logger,
      maxWaitMs: MAX_WAIT_MS,
      onEvents: (events) => this.#hear(events),
    })
  }

  get current(): Settings {
    return this.#current
  }

  /** Of `current`; 0 for the defaults. */
  get version(): number {
    return this.#version
  }

  /** Resolves once all was heard that had been said when Kafka was first reached. */
  get caughtUp(): Promise<void> {
    return this.#tail.caughtUp
  }

  start(): this {
    this.#tail.start()
    return this
  }

  stop(): Promise<void> {
    return this.#tail.stop()
  }

  // The newest counts, however they come: records may be sent twice, and are read again after a fault.
  #hear(events: readonly ReceivedEvent[]): void {
    for (const event of events) {
      if (!isEvent(event, SettingsChanged) || event.aggregateId !== SETTINGS_ID) continue
      if (event.version <= this.#version) continue
      const { ordersOpen, limits, outboxCapEvents } = event.data
      this.#version = event.version
      this.#current = { ordersOpen, limits, ...(outboxCapEvents === undefined ? {} : { outboxCapEvents }) }
      this.#logger.info({ version: event.version, settings: this.#current }, 'settings: changed')
    }
  }
}

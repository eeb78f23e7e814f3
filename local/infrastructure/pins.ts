import pinned from './jars.json' with { type: 'json' }

/** One file of Maven Central, by name and content. */
export interface Pin {
  readonly group: string
  readonly artifact: string
  readonly version: string
  readonly sha256: string
  readonly bytes: number
}

export type Pins = readonly Pin[]

/** Kafka's class path, in this order. */
export const kafkaPins: Pins = pinned.kafka

/** A jar that is used only as a bag of redis-server binaries. */
export const redisPin: Pin = pinned.redis

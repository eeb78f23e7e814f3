import { keyToPartition } from '@timesale/kafka/partition'
import type { OrderedProducer } from '@timesale/kafka/producer'
import type { OutgoingRecord } from '@timesale/kafka/record-batch'

export const ORDERS = 600
const SEND = 1_000

function orderKey(order: number): string {
  return `order-${order}`
}

/** Records that say so many steps of all orders, from one on: first one step of everybody, then the next one. */
export function stepsOf(topic: string, from: number, count: number): OutgoingRecord[] {
  return Array.from({ length: ORDERS * count }, (_, index) => ({
    ...{ topic, key: orderKey(index % ORDERS), value: String(from + Math.floor(index / ORDERS)), headers: [] },
  }))
}

/** Sends them a thousand at a time, one send after the other. Records a second. */
export async function sendSteps(producer: OrderedProducer, records: readonly OutgoingRecord[]): Promise<number> {
  const began = performance.now()
  for (let at = 0; at < records.length; at += SEND) await producer.send(records.slice(at, at + SEND))
  return (records.length * 1000) / (performance.now() - began)
}

/** For each partition a key that is put there. */
export function keysOf(partitions: number): string[] {
  const keys = new Map<number, string>()
  for (let number = 0; keys.size < partitions; number += 1) {
    const key = `tick-${number}`
    const partition = keyToPartition(Buffer.from(key)) % partitions
    if (!keys.has(partition)) keys.set(partition, key)
  }
  return [...keys.values()]
}

/** Orders whose key is in another partition when there are `after` instead of `before`. */
export function movedOrders(before: number, after: number): number {
  return Array.from({ length: ORDERS }, (_, order) => keyToPartition(Buffer.from(orderKey(order)))).filter(
    (hash) => hash % before !== hash % after,
  ).length
}

/** A broker by its id in Kafka; as the shop calls the part. */
export function brokerName(node: number): string {
  return `kafka-${node}`
}

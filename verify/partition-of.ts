/**
 * The partition on which Kafka's Java client puts a key: murmur2 over its bytes, positive, modulo the partitions.
 * Written anew from the reference (org.apache.kafka.common.utils.Utils), so that it does not share a mistake with the
 * services' own.
 */
export function partitionOf(key: Buffer, partitions: number): number {
  const M = 0x5bd1e995
  let hash = 0x9747b28c ^ key.length
  let at = 0
  for (; at + 4 <= key.length; at += 4) {
    let block = Math.imul(key.readInt32LE(at), M)
    block ^= block >>> 24
    hash = Math.imul(hash, M) ^ Math.imul(block, M)
  }
  if (at < key.length) {
    for (let rest = key.length - 1; rest >= at; rest -= 1) hash ^= key.readUInt8(rest) << (8 * (rest - at))
    hash = Math.imul(hash, M)
  }
  hash = Math.imul(hash ^ (hash >>> 13), M)
  hash ^= hash >>> 15
  return (hash & 0x7fffffff) % partitions
}

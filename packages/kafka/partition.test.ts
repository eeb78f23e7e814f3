import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compatibilityPartitioner } from '@platformatic/kafka'
import fc from 'fast-check'
import { keyToPartition, murmur2 } from './partition.ts'

test('murmur2 gives what the Java client gives', () => {
  for (const [text, expected] of FROM_KAFKAS_OWN_TEST) assert.equal(murmur2(Buffer.from(text)), expected, text)
})

test('keys of every length and of any bytes go where the client library would put them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64, size: '+1' }), (bytes) => {
      const key = Buffer.from(bytes)

      assert.equal(keyToPartition(key), compatibilityPartitioner({ topic: 't', key, value: key }, key))
    }),
    { numRuns: 300 },
  )
})

test('keys as the shop has them go where the client library would put them', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9._~-]{1,64}$/), (id) => {
      const key = Buffer.from(id)

      assert.equal(keyToPartition(key), compatibilityPartitioner({ topic: 't', key, value: key }, key))
    }),
  )
})

test('a key is not read beyond its own bytes where it is a part of a larger buffer', () => {
  const larger = Buffer.from('....foobar....')

  assert.equal(murmur2(larger.subarray(4, 10)), murmur2(Buffer.from('foobar')))
})

test('a partition is never negative', () => {
  assert.equal(murmur2(Buffer.from('21')) < 0, true)
  assert.equal(keyToPartition(Buffer.from('21')) >= 0, true)
})

// clients/src/test/java/org/apache/kafka/common/utils/UtilsTest.java, testMurmur2.
const FROM_KAFKAS_OWN_TEST = [
  ['21', -973_932_308],
  ['foobar', -790_332_482],
  ['a-little-bit-long-string', -985_981_536],
  ['a-little-bit-longer-string', -1_486_304_829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58_897_971],
  ['abc', 479_470_107],
] as const

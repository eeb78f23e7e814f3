import assert from 'node:assert/strict'
import { test } from 'node:test'
import { producerRate } from './producer-rate.ts'

test('the rate is that of the whole run, which the tool tells last', () => {
  const output = [
    '91234 records sent, 18246.8 records/sec (8.70 MB/sec), 5.2 ms avg latency, 402.0 ms max latency.',
    '200000 records sent, 104166.666667 records/sec (49.08 MB/sec), 8.61 ms avg latency, 420.00 ms max latency, 3 ms 50th.',
    '',
  ]
  assert.equal(producerRate(output.join('\n')), 104_166.666667)
})

test('an output without a rate is an error', () => {
  assert.throws(() => producerRate('org.apache.kafka.common.errors.TimeoutException'), /no rate/)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLoopback } from './console-door.ts'

test('this machine has three names, with or without a port', () => {
  for (const host of [
    'localhost',
    'localhost:8080',
    'LOCALHOST:80',
    '127.0.0.1',
    '127.0.0.1:8080',
    '[::1]',
    '[::1]:99',
  ])
    assert.ok(isLoopback(host), host)
})

test('no other name is one of them', () => {
  const strangers = [
    ...['', 'shop.example', 'localhost.shop.example', 'shop.example:8080', '127.0.0.1.shop.example', '127.0.0.2'],
    ...[
      'localhost:8080.shop.example',
      'localhost:',
      '::1',
      '[::2]',
      'localhost@shop.example',
      ' localhost',
      'localhost,a',
    ],
  ]
  for (const host of strangers) assert.ok(!isLoopback(host), host)
  assert.ok(!isLoopback(undefined))
})

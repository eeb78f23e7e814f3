import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isShellCommand } from './parent-watch.ts'

test('the shell that npm puts between is told from one at which a person sits', () => {
  assert(isShellCommand('sh -c node local/start.ts'))
  assert(isShellCommand('/bin/sh -c node local/start.ts --port-offset 1000'))
  assert(isShellCommand('/bin/bash -lc npm start'))
  assert(isShellCommand('bash -e -c npm start'))
  assert(!isShellCommand('-bash'))
  assert(!isShellCommand('/bin/zsh'))
  assert(!isShellCommand('bash --login'))
  assert(!isShellCommand('npm start'))
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DatabaseError } from 'pg'
import {
  CommitOutcomeUnknown,
  DatabaseUnavailable,
  endsSession,
  isInfrastructure,
  isUniqueViolation,
  mayComeTooLate,
  outcomeOf,
} from './errors.ts'

test('what says something of the server and nothing of the statement is worth another try', () => {
  for (const code of [
    '08006', // connection failure
    '25006', // read-only
    '25P02', // in failed transaction
    '25P03', // idle_in_transaction_session_timeout
    '28P01', // password
    '3D000', // no such database
    '40001', // serialization failure
    '40P01', // deadlock
    '42501', // no grant
    '42P01', // no such table
    '53100', // disk full
    '53300', // too many connections
    '55P03', // lock_timeout
    '57014', // statement_timeout
    '57P01', // shutdown
    '57P03', // starting up
    '58030', // I/O error
    'XX000', // internal error
  ]) {
    assert.equal(isInfrastructure(databaseError(code)), true, code)
  }
  assert.equal(isInfrastructure(new DatabaseUnavailable('gone')), true)
  assert.equal(isInfrastructure(new CommitOutcomeUnknown('lost')), true)
})

test('what a statement or its values are to blame for is not tried for ever', () => {
  for (const code of [
    '22001', // too long
    '22003', // out of range
    '22007', // not a time
    '22021', // U+0000
    '22P02', // not a number
    '23502', // null
    '23503', // foreign key
    '23505', // unique
    '23514', // check: conservation, say
    '42601', // syntax
    'P0001', // raised by a trigger
  ]) {
    assert.equal(isInfrastructure(databaseError(code)), false, code)
  }
  for (const error of [databaseError(undefined), new Error('bug'), { code: '40001' }, 'text', null, undefined]) {
    assert.equal(isInfrastructure(error), false)
  }
})

test('only a COMMIT without an answer leaves its outcome unknown', () => {
  assert.equal(outcomeOf(new CommitOutcomeUnknown('lost')), 'unknown')
  for (const error of [new DatabaseUnavailable('gone'), databaseError('40001'), new Error('bug')]) {
    assert.equal(outcomeOf(error), 'none')
  }
})

test('a unique violation is told from others, by constraint where one is named', () => {
  const violation = databaseError('23505', 'orders_pkey')

  assert.equal(isUniqueViolation(violation), true)
  assert.equal(isUniqueViolation(violation, 'orders_pkey'), true)
  assert.equal(isUniqueViolation(violation, 'notices_pkey'), false)
  assert.equal(isUniqueViolation(databaseError('23514', 'conservation')), false)
  assert.equal(isUniqueViolation({ code: '23505' }), false)
})

test('what a PANIC in COMMIT is told as leaves its outcome open', () => {
  for (const code of ['53100', '58030', 'XX000']) assert.equal(mayComeTooLate(databaseError(code)), true, code)
  for (const code of ['23505', '40001', '23514']) assert.equal(mayComeTooLate(databaseError(code)), false, code)
})

test('a session that the server ends is told by its code, in whatever language the server speaks', () => {
  for (const code of ['57P01', '57P05', '08006', '25P03', '53300']) {
    assert.equal(endsSession(Object.assign(databaseError(code), { severity: '치명적오류' })), true, code)
  }
  assert.equal(endsSession(Object.assign(databaseError('23505'), { severity: '오류' })), false)
})

function databaseError(code: string | undefined, constraint?: string): DatabaseError {
  return Object.assign(new DatabaseError('any', 3, 'error'), { code, constraint, severity: 'ERROR' })
}

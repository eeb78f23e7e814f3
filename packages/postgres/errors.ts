import { DatabaseError } from 'pg'

/** What became of a transaction that failed: nothing happened, or nobody knows (the answer to COMMIT was lost). */
export type Outcome = 'none' | 'unknown'

/** The database did not answer, or not as a database does: connection refused, lost, or a client-side deadline. */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable'
}

/** COMMIT was sent and its answer never came: the transaction may or may not stand. */
export class CommitOutcomeUnknown extends Error {
  override readonly name = 'CommitOutcomeUnknown'
}

/** Somebody caught the error of a statement and went on as if the transaction could still be committed. */
export class TransactionAborted extends Error {
  override readonly name = 'TransactionAborted'
}

// SQLSTATE classes and codes that say something of the server's state and nothing of the statement.
// https://www.postgresql.org/docs/18/errcodes-appendix.html
const INFRASTRUCTURE_CLASSES = new Set(['08', '53', '57', '58', 'XX'])
const INFRASTRUCTURE_CODES = new Set([
  '25006', // read-only: a failover is under way
  '25P02', // the transaction is aborted already; the first error is the one that counts
  '25P03', // idle_in_transaction_session_timeout
  '25P04', // transaction_timeout
  '28000', // a role or a database is not there (yet): provisioning
  '28P01',
  '3D000',
  '40001', // serialization failure
  '40P01', // deadlock
  '42501', // a grant or a table is not there (yet): a deployment is half way
  '42703',
  '42P01',
  '55P03', // lock_timeout
])

/** True where trying the same again later can help, and giving up on one event or one order would be wrong. */
export function isInfrastructure(error: unknown): boolean {
  if (error instanceof DatabaseUnavailable || error instanceof CommitOutcomeUnknown) return true
  if (!(error instanceof DatabaseError)) return false
  const code = error.code ?? ''
  return INFRASTRUCTURE_CLASSES.has(code.slice(0, 2)) || INFRASTRUCTURE_CODES.has(code)
}

/**
 * The server ended the session with this error (FATAL). Told by SQLSTATE: the severity that the driver gives is in the
 * server's own language.
 */
export function endsSession(error: DatabaseError): boolean {
  const code = error.code ?? ''
  return code.startsWith('57P') || code.startsWith('08') || SESSION_ENDING_CODES.has(code)
}

// idle_in_transaction_session_timeout, transaction_timeout, too many connections, and what a log-in may fail of.
const SESSION_ENDING_CODES = new Set(['25P03', '25P04', '53300', '28000', '28P01', '3D000'])

/**
 * As an answer to COMMIT, these may come after the commit record was written: resources (53), the system (58) and
 * internal errors (XX) are what a PANIC while flushing the log is told as.
 */
export function mayComeTooLate(error: DatabaseError): boolean {
  return /^(?:53|58|XX)/.test(error.code ?? '')
}

/** statement_timeout, or somebody cancelled the statement. */
export function isStatementTimeout(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === '57014'
}

export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  return (
    error instanceof DatabaseError &&
    error.code === '23505' &&
    (constraint === undefined || error.constraint === constraint)
  )
}

export function isNotNullViolation(error: unknown): boolean {
  return hasSqlState(error, '23502')
}

export function hasSqlState(error: unknown, code: string): boolean {
  return error instanceof DatabaseError && error.code === code
}

export function outcomeOf(error: unknown): Outcome {
  return error instanceof CommitOutcomeUnknown ? 'unknown' : 'none'
}

import assert from 'node:assert/strict'
import type { Claim } from './experiment.ts'

/** In English, those that do not hold. */
export function failing(claims: readonly Claim[]): string[] {
  return claims.filter(({ holds }) => !holds).map(({ text }) => text.en)
}

/** For tests of findings: what speaks against one claim makes that one fail, and no other. */
export function assertOneFails(what: string, claim: RegExp, claims: readonly Claim[]): void {
  const [only = '', ...others] = failing(claims)
  assert.match(only, claim, what)
  assert.deepEqual(others, [], what)
}

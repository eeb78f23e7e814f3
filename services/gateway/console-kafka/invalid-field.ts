import { Refusal } from '@timesale/contracts/refusals'

/** What a schema cannot say of a request. */
export function invalidField(field: string, message: string): Refusal {
  return new Refusal('invalid-request', { errors: [{ field, message }] }, `${field} ${message}`)
}

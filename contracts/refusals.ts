/**
 * Every "no" of the shop: code -> HTTP status -> sentence for people. The code is part of the contract, the sentence
 * is not. Answers are RFC 9457 problem details with this code in `code`.
 */
export const REFUSALS = {
  'invalid-request': { status: 400, title: 'The request is not valid' },
  'invalid-json': { status: 400, title: 'The body is not valid JSON' },
  'idempotency-key-required': { status: 400, title: 'This request needs the header Idempotency-Key' },
  unauthenticated: { status: 401, title: 'Log in first: a valid token is needed' },
  'wrong-credentials': { status: 401, title: 'Address and password, or the key, do not fit together' },
  'invalid-refresh-token': { status: 401, title: 'Log in again: this refresh token is not good any more' },
  forbidden: { status: 403, title: 'This account may not do that' },
  'read-only': { status: 403, title: 'This console only looks; nothing can be changed by it' },
  'topic-protected': { status: 403, title: 'Only playground topics are written to and deleted from here' },
  'foreign-host': { status: 403, title: 'Open the console as localhost: called by another name, nothing is changed' },
  'not-found': { status: 404, title: 'There is nothing here' },
  'order-not-found': { status: 404, title: 'There is no such order' },
  'product-not-found': { status: 404, title: 'There is no such product' },
  'shop-not-found': { status: 404, title: 'There is no such shop' },
  'account-not-found': { status: 404, title: 'There is no such account' },
  'session-not-found': { status: 404, title: 'There is no such session' },
  'api-key-not-found': { status: 404, title: 'There is no such API key' },
  'topic-not-found': { status: 404, title: 'There is no such topic' },
  'record-not-found': { status: 404, title: 'There is no such record' },
  'group-not-found': { status: 404, title: 'There is no such consumer group' },
  'request-timeout': { status: 408, title: 'The request took too long to arrive' },
  'sold-out': { status: 409, title: 'The product is sold out' },
  'sale-not-started': { status: 409, title: 'The time sale has not begun yet' },
  'sale-ended': { status: 409, title: 'The time sale is over' },
  'buyer-limit': { status: 409, title: 'This is more than one buyer may have in this sale' },
  'order-not-cancellable': { status: 409, title: 'Only an order that is still PLACED can be cancelled' },
  'product-exists': { status: 409, title: 'Another product has this id' },
  'shop-exists': { status: 409, title: 'Another shop has this id' },
  'last-owner': { status: 409, title: 'A shop keeps one owner at least' },
  'sale-id-taken': { status: 409, title: 'Another product has a sale of this id' },
  'request-in-flight': { status: 409, title: 'The same request is being answered; try again soon' },
  'account-exists': { status: 409, title: 'Another account has this id or this address' },
  'api-key-exists': { status: 409, title: 'Another API key of this account has this id' },
  'too-many-api-keys': { status: 409, title: 'This account has as many API keys as it may; delete one first' },
  'not-supervised': { status: 409, title: 'Nobody starts and stops parts here; only a local start does' },
  'part-refused': { status: 409, title: 'This cannot be done to the part now' },
  'rush-running': { status: 409, title: 'A rush is running already' },
  'no-rush': { status: 409, title: 'No rush is running' },
  'topic-exists': { status: 409, title: 'There is a topic of this name already' },
  'method-not-allowed': { status: 405, title: 'This method is not allowed here' },
  'precondition-failed': { status: 412, title: 'It has changed meanwhile; read it again' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'The body must be application/json' },
  'expectation-failed': { status: 417, title: 'What is expected in the header Expect is not known' },
  'unknown-product': { status: 422, title: 'This product cannot be ordered' },
  'order-id-reused': { status: 422, title: 'This order id was used for another order' },
  'idempotency-key-reused': { status: 422, title: 'This Idempotency-Key was used for another request' },
  'rate-limited': { status: 429, title: 'Too many requests; try again when Retry-After says' },
  'headers-too-large': { status: 431, title: 'The headers are too large' },
  'internal-error': { status: 500, title: 'Something went wrong on our side' },
  'upstream-failed': { status: 502, title: 'The service broke off' },
  'upstream-unavailable': { status: 503, title: 'The service cannot be reached; try again soon' },
  'orders-paused': { status: 503, title: 'No new orders are taken for a while; try again later' },
  'outbox-full': { status: 503, title: 'Too many events wait to be published; try again soon' },
  overloaded: { status: 503, title: 'Too many requests wait; try again soon' },
  'database-unavailable': { status: 503, title: 'The database does not answer; try again soon' },
  'no-time-left': { status: 503, title: 'The caller does not wait any longer; nothing was begun' },
  'view-building': { status: 503, title: 'This page is being built from the topics; try again soon' },
  'view-behind': { status: 503, title: 'This page does not show yet what was asked for; try again soon' },
  'view-unavailable': { status: 503, title: 'The store of this page does not answer; try again soon' },
  'outcome-unknown': {
    status: 503,
    title: 'It is not known whether the request took effect; repeat it with the same id',
  },
  'upstream-timeout': { status: 504, title: 'The service did not answer in time' },
} as const satisfies Record<string, { status: number; title: string }>

export type RefusalCode = keyof typeof REFUSALS

/** The answer is no. Thrown by rules and entry points; becomes a problem+json over HTTP and parks a key in a consumer. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: RefusalCode
  /** Extra members of the problem document, e.g. `{ orderId }`. */
  readonly about: Readonly<Record<string, unknown>>

  constructor(code: RefusalCode, about: Readonly<Record<string, unknown>> = {}, detail?: string) {
    // An answer and no fault: nobody reads where it came from, and in a rush there are thousands of them a second.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(detail ?? REFUSALS[code].title)
    Error.stackTraceLimit = stackTraceLimit
    this.code = code
    this.about = about
  }
}

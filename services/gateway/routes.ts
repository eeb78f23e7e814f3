import type { RouteClass } from '@timesale/contracts/gateway-api'
import type { Role } from '@timesale/contracts/roles'

export const UPSTREAMS = [
  'account',
  'seller',
  'product',
  'order',
  'stock',
  'notification',
  'analytics',
  'storefront',
] as const
export type UpstreamName = (typeof UPSTREAMS)[number]

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** What is passed on to whom. Nothing else reaches a service; what the gateway answers itself is in http/. */
export interface Route {
  readonly method: Method
  /** As callers write it: `/api/orders/:orderId`. */
  readonly path: string
  readonly upstream: UpstreamName
  /** Where it is there: the end of `path`. */
  readonly there: string
  readonly class: RouteClass
  /** `required`: 401 without one. `optional`: anonymous without one. `none`: not looked at. */
  readonly token: 'required' | 'optional' | 'none'
  /** Who may; the service behind decides again. */
  readonly role?: Role
  /**
   * May be sent twice: a method that is idempotent, or an id in the body that is the key of the request. `with-key`: the
   * service honours `Idempotency-Key`. A key that a service does not know of protects from nothing.
   */
  readonly idempotent: boolean | 'with-key'
  readonly summary: string
}

type Rest = Partial<Pick<Route, 'there' | 'token' | 'role' | 'idempotent'>>

function route(
  method: Method,
  path: string,
  upstream: UpstreamName,
  routeClass: RouteClass,
  summary: string,
  rest: Rest = {},
): Route {
  const there = path.slice(upstream === 'account' ? '/api/account'.length : '/api'.length)
  const defaults = { there, token: 'required', idempotent: method !== 'POST' } as const
  return { method, path, upstream, class: routeClass, summary, ...defaults, ...rest }
}

const forEverybody = { token: 'optional' } as const
const withoutToken = { token: 'none' } as const
const forOperators = { role: 'operator' } as const

/** The one table of routes. */
export const ROUTES: readonly Route[] = [
  route('POST', '/api/account/sign-up', 'account', 'credentials', 'Make an account', withoutToken),
  route('POST', '/api/account/log-in', 'account', 'credentials', 'Log in with a password', withoutToken),
  route('POST', '/api/account/tokens', 'account', 'credentials', 'Log in with an API key', withoutToken),
  // Nobody guesses 256 bits, and behind one address there may be many who refresh.
  route('POST', '/api/account/refresh', 'account', 'account', 'A new access token', withoutToken),
  route('POST', '/api/account/log-out', 'account', 'account', 'End this session'),
  route('POST', '/api/account/log-out-everywhere', 'account', 'account', 'End all sessions'),
  route('GET', '/api/account/me', 'account', 'account', 'Who is logged in'),
  route('POST', '/api/account/me/seller', 'account', 'account', 'Become a seller'),
  route('GET', '/api/account/sessions', 'account', 'account', 'Sessions that were not ended'),
  route('DELETE', '/api/account/sessions/:sessionId', 'account', 'account', 'End one session'),
  route('POST', '/api/account/api-keys', 'account', 'account', 'A key for a machine'),
  route('GET', '/api/account/api-keys', 'account', 'account', 'Keys for machines'),
  route('DELETE', '/api/account/api-keys/:keyId', 'account', 'account', 'End a key'),
  route('GET', '/api/account/accounts', 'account', 'account', 'Find an account', forOperators),
  route('PUT', '/api/account/accounts/:accountId', 'account', 'account', 'Set an account', forOperators),
  route('PUT', '/api/account/accounts/:accountId/roles', 'account', 'account', 'Set roles', forOperators),
  route('POST', '/api/account/signing-keys', 'account', 'account', 'Publish a new key, which signs soon', {
    ...forOperators,
    idempotent: 'with-key',
  }),
  route('GET', '/api/account/.well-known/jwks.json', 'account', 'browse', 'Keys of access tokens', withoutToken),
  route('GET', '/api/settings', 'account', 'account', 'Settings', { ...forOperators, there: '/settings' }),
  route('PUT', '/api/settings', 'account', 'account', 'Change settings', { ...forOperators, there: '/settings' }),

  route('GET', '/api/products', 'storefront', 'browse', 'Products', forEverybody),
  route('GET', '/api/products/:productId', 'storefront', 'browse', 'A product', forEverybody),
  route('GET', '/api/search', 'storefront', 'browse', 'Find products', forEverybody),
  route('GET', '/api/shops/:shopId', 'storefront', 'browse', 'A shop and its products', forEverybody),
  route('GET', '/api/me/orders', 'storefront', 'browse', "The caller's orders, newest first"),
  route('GET', '/api/view', 'storefront', 'browse', 'The view: served, and being built', forOperators),
  route('POST', '/api/view/rebuild', 'storefront', 'write', 'Build the view anew', {
    ...forOperators,
    there: '/rebuild',
  }),

  route('POST', '/api/products', 'product', 'write', 'Put a product on sale'),
  route('PUT', '/api/products/:productId', 'product', 'write', 'Change a product'),
  route('POST', '/api/products/:productId/units', 'product', 'write', 'Put more units on sale', {
    idempotent: 'with-key',
  }),
  route('PUT', '/api/products/:productId/sale', 'product', 'write', 'Put a time sale on'),
  route('DELETE', '/api/products/:productId/sale', 'product', 'write', 'Take a time sale off'),

  route('GET', '/api/shops', 'seller', 'browse', "The caller's shops"),
  route('GET', '/api/shops/:shopId/members', 'seller', 'browse', 'Members of a shop'),
  route('POST', '/api/shops', 'seller', 'write', 'Open a shop'),
  route('PUT', '/api/shops/:shopId', 'seller', 'write', 'Rename a shop'),
  route('PUT', '/api/shops/:shopId/members/:accountId', 'seller', 'write', 'Set a member'),
  route('DELETE', '/api/shops/:shopId/members/:accountId', 'seller', 'write', 'Remove a member'),

  route('POST', '/api/orders', 'order', 'orders', 'Place an order', { idempotent: true }),
  route('GET', '/api/orders', 'order', 'browse', 'Orders'),
  route('GET', '/api/orders/:orderId', 'order', 'browse', 'An order'),
  route('POST', '/api/orders/:orderId/cancellation', 'order', 'orders', 'Cancel an order'),

  route('GET', '/api/notices', 'notification', 'browse', 'Notices about an order'),
  route('GET', '/api/stock/:productId', 'stock', 'browse', 'Stock of a product', forOperators),
  route('GET', '/api/sales', 'analytics', 'browse', 'Sales by minute', forOperators),
  route('GET', '/api/top-products', 'analytics', 'browse', 'Products that sell best', forOperators),
]

/**
 * The path at the upstream, from the URL as it came. Undefined where the beginning was written in another way (`%61pi`):
 * the router reads those as the same, and cutting off so many letters would not.
 */
export function pathThere({ path, there }: Pick<Route, 'path' | 'there'>, url: string): string | undefined {
  const before = path.length - there.length
  return url.startsWith(path.slice(0, before)) ? url.slice(before) : undefined
}

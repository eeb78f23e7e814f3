import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pathThere, ROUTES, type UpstreamName } from './routes.ts'

test('a path is cut where the table says, and is otherwise left as it came', () => {
  const order = { path: '/api/orders/:orderId', there: '/orders/:orderId' }
  const session = { path: '/api/account/sessions/:sessionId', there: '/sessions/:sessionId' }
  assert.equal(pathThere(order, '/api/orders/1?a=%2F'), '/orders/1?a=%2F')
  assert.equal(pathThere(session, '/api/account/sessions/%41'), '/sessions/%41')
  assert.equal(pathThere(order, '/%61pi/orders/1'), undefined)
  assert.equal(pathThere(session, '/api/acc%6Funt/sessions/1'), undefined)
})

test('each row begins at /api, ends as it is there, and stands once', () => {
  for (const { method, path, there, upstream } of ROUTES) {
    const before = path.slice(0, path.length - there.length)
    assert.ok(path.endsWith(there) && there.startsWith('/'), `${method} ${path}`)
    const begins: Partial<Record<UpstreamName, string>> = { account: '/api/account', storefront: '/api/view' }
    assert.ok(before === '/api' || before === begins[upstream], `${method} ${path}`)
  }
  assert.equal(new Set(ROUTES.map(({ method, path }) => `${method} ${path}`)).size, ROUTES.length)
})

test('nothing that changes something can be done by nobody, but for asking to be let in', () => {
  const open = ROUTES.filter(({ method, token }) => method !== 'GET' && token !== 'required').map(({ path }) => path)
  const toBeLetIn = ['log-in', 'refresh', 'sign-up', 'tokens'].map((step) => `/api/account/${step}`)
  assert.deepEqual(open.sort(), toBeLetIn)
})

test('a POST is repeated where its service tells a repetition, and nowhere else', () => {
  const repeated = ROUTES.filter(({ method, idempotent }) => method === 'POST' && idempotent !== false)
  assert.deepEqual(
    repeated.map(({ path, idempotent }) => [path, idempotent]),
    [
      ['/api/account/signing-keys', 'with-key'],
      ['/api/products/:productId/units', 'with-key'],
      ['/api/orders', true],
    ],
  )
})

test('without a token nothing is read but pages, and the keys that tokens are checked with', () => {
  const open = ROUTES.filter(({ method, token }) => method === 'GET' && token !== 'required')
  assert.deepEqual(
    open.map(({ path, upstream }) => `${path} ${upstream}`),
    [
      '/api/account/.well-known/jwks.json account',
      '/api/products storefront',
      '/api/products/:productId storefront',
      '/api/search storefront',
      '/api/shops/:shopId storefront',
    ],
  )
  // How much a seller had, and has sold, is not for whoever is logged in either.
  assert.equal(ROUTES.find(({ upstream }) => upstream === 'stock')?.role, 'operator')
})

test('the view is an operator’s to see and to build anew, by the paths that the storefront has', () => {
  const rows = ROUTES.filter(({ path }) => path.startsWith('/api/view'))
  assert.deepEqual(
    rows.map(({ method, there, upstream, role }) => `${method} ${there} of ${upstream} for ${role}`),
    ['GET /view of storefront for operator', 'POST /rebuild of storefront for operator'],
  )
})

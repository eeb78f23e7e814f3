import { createRootRoute, createRoute, createRouter } from '@tanstack/react-router'
import { Broken } from './shell/Broken.tsx'
import { lazyPage } from './shell/lazy-page.ts'
import { NotFound } from './shell/NotFound.tsx'
import { Shell } from './shell/Shell.tsx'

// Every URL of the console. What a page shows is told by its URL, so that a link shows it to somebody else.

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound, errorComponent: Broken })

/** A text of the query, or nothing. */
function textIn(search: Record<string, unknown>, name: string): string | undefined {
  const value = search[name]
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
}

const live = createRoute({
  getParentRoute: () => root,
  path: '/',
  component: lazyPage(() => import('./pages/live/LivePage.tsx'), 'LivePage'),
})
const order = createRoute({
  getParentRoute: () => root,
  path: '/order',
  component: lazyPage(() => import('./pages/order/OrdersPage.tsx'), 'OrdersPage'),
})
const oneOrder = createRoute({
  getParentRoute: () => root,
  path: '/order/$orderId',
  component: lazyPage(() => import('./pages/order/OrderPage.tsx'), 'OrderPage'),
})
const topics = createRoute({
  getParentRoute: () => root,
  path: '/topics',
  component: lazyPage(() => import('./pages/topics/TopicsPage.tsx'), 'TopicsPage'),
})
const topic = createRoute({
  getParentRoute: () => root,
  path: '/topics/$topic',
  validateSearch: (search: Record<string, unknown>) => ({
    key: textIn(search, 'key'),
    text: textIn(search, 'text'),
    partition: textIn(search, 'partition'),
    from: textIn(search, 'from'),
    since: textIn(search, 'since'),
    tail: textIn(search, 'tail'),
  }),
  component: lazyPage(() => import('./pages/topics/TopicPage.tsx'), 'TopicPage'),
})
const record = createRoute({
  getParentRoute: () => root,
  path: '/topics/$topic/$partition/$offset',
  component: lazyPage(() => import('./pages/topics/RecordPage.tsx'), 'RecordPage'),
})
const groups = createRoute({
  getParentRoute: () => root,
  path: '/groups',
  component: lazyPage(() => import('./pages/groups/GroupsPage.tsx'), 'GroupsPage'),
})
const group = createRoute({
  getParentRoute: () => root,
  path: '/groups/$group',
  component: lazyPage(() => import('./pages/groups/GroupPage.tsx'), 'GroupPage'),
})
const cluster = createRoute({
  getParentRoute: () => root,
  path: '/cluster',
  component: lazyPage(() => import('./pages/groups/ClusterPage.tsx'), 'ClusterPage'),
})
const shop = createRoute({
  getParentRoute: () => root,
  path: '/shop',
  validateSearch: (search: Record<string, unknown>) => ({ q: textIn(search, 'q') }),
  component: lazyPage(() => import('./pages/shop/ShopPage.tsx'), 'ShopPage'),
})
const product = createRoute({
  getParentRoute: () => root,
  path: '/shop/$productId',
  component: lazyPage(() => import('./pages/shop/ProductPage.tsx'), 'ProductPage'),
})
const sales = createRoute({
  getParentRoute: () => root,
  path: '/sales',
  validateSearch: (search: Record<string, unknown>) => ({ span: textIn(search, 'span') }),
  component: lazyPage(() => import('./pages/sales/SalesPage.tsx'), 'SalesPage'),
})

export const router = createRouter({
  routeTree: root.addChildren([
    live,
    order,
    oneOrder,
    topics,
    topic,
    record,
    groups,
    group,
    cluster,
    shop,
    product,
    sales,
  ]),
  defaultPreload: 'intent',
  // In place of the page alone, so that the list of the others stays.
  defaultErrorComponent: Broken,
  scrollRestoration: true,
})

/** Fetches every page and the charts, so that they are there when the gateway is not. What fails is fetched again when it is visited. */
export async function fetchPages(): Promise<void> {
  const pages = Object.values(router.routesById).map(({ options }) => options.component)
  await Promise.allSettled([...pages.map((page) => page?.preload?.()), import('./ui/DrawnChart.tsx')])
}

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}

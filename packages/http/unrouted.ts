import type { HttpServer } from './server.ts'
import { problem, sendProblem } from './problem.ts'

/** What no route takes: 405 with `Allow` where the path is known under other methods, else 404. Before any route. */
export function refuseUnrouted(app: HttpServer): void {
  const methodsOf = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const methods = methodsOf.get(url) ?? new Set()
    for (const one of [method].flat()) methods.add(one)
    methodsOf.set(url, methods)
  })
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? ''
    const allowed = new Set([...methodsOf].flatMap(([url, methods]) => (fits(url, path) ? [...methods] : [])))
    if (allowed.size === 0) {
      return sendProblem(reply, problem('not-found', { detail: `${request.method} ${path} is not known` }))
    }
    const allow = [...allowed].sort().join(', ')
    void reply.header('allow', allow)
    return sendProblem(reply, problem('method-not-allowed', { detail: `${path} takes ${allow}` }))
  })
}

// `/orders/:orderId` and `/orders/17`.
function fits(url: string, path: string): boolean {
  const wanted = url.split('/')
  const steps = path.split('/')
  return wanted.length === steps.length && wanted.every((step, index) => step.startsWith(':') || step === steps[index])
}

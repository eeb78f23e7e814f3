import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fastifyStatic } from '@fastify/static'
import type { HttpServer, Reply, Request } from '@timesale/http/server'

/** Places that are no pages; what is not known there is a problem document. */
const NO_PAGES = /^(api|docs|assets|livez|readyz|metrics|openapi\.json)(\/|$)/
/** A file as a build makes them. Whatever else somebody asks for is not looked for. */
const FILE = /^([A-Za-z0-9_-][A-Za-z0-9._-]*\/){0,3}[A-Za-z0-9_-][A-Za-z0-9._-]*$/
const INDEX = 'index.html'

const HEADERS = {
  'content-security-policy': [
    "default-src 'self'",
    // The library of its components sets styles as it goes.
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    ...["object-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
  ].join('; '),
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cross-origin-opener-policy': 'same-origin',
} as const

/** The console itself, from the folder of its build, which may be made while we run. All its pages are one, which routes by itself. */
export async function consolePages(app: HttpServer, folder: string): Promise<void> {
  await app.register(fastifyStatic, { root: folder, serve: false, suppressWarning: true })
  app.get('/*', { schema: { hide: true } }, async (request, reply) => {
    // As it was sent: nothing is decoded, so nothing means a file in two ways.
    const path = (request.raw.url ?? '').split('?', 1)[0]?.slice(1) ?? ''
    if (path !== INDEX && (await isFile(folder, path))) {
      // Named after what is in them, and so never another under the same name.
      const cached = path.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache'
      return give(reply, path, cached)
    }
    // At the address itself there is nothing else, so whoever asks there in any way finds out that it is the right one.
    if (path !== '' && (NO_PAGES.test(path) || !takesHtml(request))) return reply.callNotFound()
    return (await isFile(folder, INDEX)) ? give(reply, INDEX, 'no-cache') : sayHow(reply)
  })
}

function give(reply: Reply, path: string, cached: string): Reply {
  return reply.headers({ ...HEADERS, 'cache-control': cached }).sendFile(path, { cacheControl: false })
}

async function isFile(folder: string, path: string): Promise<boolean> {
  if (!FILE.test(path)) return false
  const found = await stat(join(folder, path)).catch(() => undefined)
  return found?.isFile() === true
}

function takesHtml({ headers }: Request): boolean {
  return headers.accept?.includes('text/html') === true
}

function sayHow(reply: Reply): Reply {
  return reply
    .code(503)
    .headers({ ...HEADERS, 'cache-control': 'no-store', 'retry-after': '3' })
    .type('text/html; charset=utf-8')
    .send(NOT_BUILT)
}

const NOT_BUILT = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="refresh" content="3">
<title>Timesale</title>
<body style="font-family: system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem">
<h1>Timesale</h1>
<p>The console is not built yet. <code>npm start</code> builds it while the shop opens; by hand it is
<code>npm run build -w console</code>. This page looks again by itself. The <a href="/docs">API</a> is there.</p>
<p lang="ko">아직 콘솔이 빌드되지 않았습니다. <code>npm start</code>가 쇼핑몰을 여는 동안 빌드하며, 직접 하려면
<code>npm run build -w console</code>을 실행합니다. 이 페이지는 저절로 다시 확인합니다. <a href="/docs">API 문서</a>는 볼 수 있습니다.</p>
</body>
</html>
`

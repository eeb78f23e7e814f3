import { Problem } from '@timesale/contracts/problem'
import { SETTINGS_ID } from '@timesale/contracts/settings'
import { ChangeSettings, ChangeSettingsHeaders, SettingsView } from '@timesale/contracts/settings-api'
import { VIEW_TOKEN_HEADER, writeViewToken } from '@timesale/contracts/view-token'
import type { HttpServer } from '@timesale/http/server'
import { callerOf, requireRole } from '@timesale/identity/principal'
import { appendToOutbox } from '@timesale/kafka/outbox'
import type { ServiceParts } from '@timesale/service/service'
import { lockSettings, readSettings, saveSettings } from '../db/settings.ts'
import { changeSettings, etagOf, readIfMatch } from '../settings.ts'

// GET /settings and PUT /settings, for operators. Each change is told on settings-topic, where whoever obeys it reads it.
export function settingsRoutes(app: HttpServer, { db, wakeRelay }: ServiceParts): void {
  const response = { 200: SettingsView, default: Problem }
  app.get(
    '/settings',
    { schema: { summary: 'What operators set while the shop runs', tags: ['settings'], response } },
    async (request, reply) => {
      requireRole(request.principal, 'operator')
      const settings = await readSettings(db.sql)
      return reply.header('etag', etagOf(settings)).send(settings)
    },
  )
  app.put(
    '/settings',
    {
      schema: {
        summary: 'Change them, as a whole; it is obeyed everywhere within two seconds',
        tags: ['settings'],
        headers: ChangeSettingsHeaders,
        body: ChangeSettings,
        response,
      },
    },
    async (request, reply) => {
      requireRole(request.principal, 'operator')
      const { version: seen, ...wish } = request.body
      const expected = [readIfMatch(request.headers['if-match']), seen === undefined ? undefined : [seen]].filter(
        (versions) => versions !== undefined,
      )
      const settings = await db.tx(async (tx) => {
        const before = await lockSettings(tx)
        const decision = changeSettings(before, wish, expected)
        if (decision.facts.length > 0) await saveSettings(tx, decision.settings, callerOf(request.principal))
        await appendToOutbox(tx, decision.facts, { at: new Date(), traceparent: request.traceparent })
        return decision.settings
      })
      wakeRelay()
      const { version } = settings
      if (version > 0) {
        const token = writeViewToken({ source: '/account/settings', aggregateId: SETTINGS_ID, version })
        void reply.header(VIEW_TOKEN_HEADER, token)
      }
      return reply.header('etag', etagOf(settings)).send(settings)
    },
  )
}

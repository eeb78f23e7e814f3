import { fact, type Fact } from '@timesale/contracts/event'
import { LIMIT_CLASSES, SETTINGS_ID, type Limits, type Settings } from '@timesale/contracts/settings'
import type { SettingsView } from '@timesale/contracts/settings-api'
import { SettingsChanged } from '@timesale/contracts/settings-events'
import { Refusal } from '@timesale/contracts/refusals'

/** The settings after a change, and what the shop should hear of it; nothing where nothing has changed. */
export interface SettingsDecision {
  readonly settings: SettingsView
  readonly facts: readonly Fact[]
}

/**
 * Takes the whole record for the one before, whose version must be in each of the lists `expected` (what the operator
 * has seen). Throws `precondition-failed`.
 */
export function changeSettings(
  before: SettingsView,
  wish: Settings,
  expected: readonly (readonly number[])[],
): SettingsDecision {
  if (!expected.every((versions) => versions.includes(before.version))) {
    throw new Refusal('precondition-failed', { version: before.version })
  }
  const values = valuesOf(wish)
  if (JSON.stringify(values) === JSON.stringify(valuesOf(before))) return { settings: before, facts: [] }
  const version = before.version + 1
  const data = { settingsId: SETTINGS_ID, ...values }
  return {
    settings: { version, ...values },
    facts: [fact(SettingsChanged, { aggregateId: SETTINGS_ID, version, data })],
  }
}

/** Versions that an If-Match (RFC 9110, 13.1.1) names; undefined for any. Weak tags never match. */
export function readIfMatch(header: string | undefined): number[] | undefined {
  if (header === undefined || header === '*') return undefined
  return [...header.matchAll(/(W\/)?"([^"]*)"/g)]
    .filter(([, weak, tag = '']) => weak === undefined && /^(0|[1-9]\d*)$/.test(tag))
    .map(([, , tag]) => Number(tag))
}

export function etagOf({ version }: SettingsView): string {
  return `"${version}"`
}

// Always in the same order, so that equal settings are equal texts.
function valuesOf({ ordersOpen, limits, outboxCapEvents }: Settings): Settings {
  const ordered: Limits = {}
  for (const name of LIMIT_CLASSES) {
    const limit = limits[name]
    if (limit !== undefined) ordered[name] = { points: limit.points, seconds: limit.seconds }
  }
  return { ordersOpen, limits: ordered, ...(outboxCapEvents === undefined ? {} : { outboxCapEvents }) }
}

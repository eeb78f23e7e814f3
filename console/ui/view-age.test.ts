import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LiveView } from '@timesale/contracts/console-api'
import { shownUpTo } from './view-age.ts'

const BASE = 1_800_000_000_000
const at = (second: number): string => new Date(BASE + second * 1000).toISOString()

const groups = (lagSeconds: number | null): LiveView['groups'] => ({
  asOf: at(599),
  list: [
    {
      ...{ group: 'storefront', lagRecords: lagSeconds, lagSeconds, perSecond: 0, drainSeconds: null, topics: [] },
    },
  ],
})
const NOW = { group: 'storefront', read: at(600), now: BASE + 600_000 }

test('what was read just now is as old as the oldest record that is not in it', () => {
  assert.equal(shownUpTo({ ...NOW, groups: groups(300) }), at(299))
  assert.equal(shownUpTo({ ...NOW, groups: groups(0) }), at(600))
})

test('what was read long ago is no newer for a group that has caught up', () => {
  assert.equal(shownUpTo({ ...NOW, groups: groups(0), read: at(500) }), at(500))
  assert.equal(shownUpTo({ ...NOW, groups: groups(10), read: at(500) }), at(500))
})

test('it is not known where the lag is not, or was read too long ago', () => {
  assert.equal(shownUpTo({ ...NOW, groups: null }), undefined)
  assert.equal(shownUpTo({ ...NOW, groups: groups(null) }), undefined)
  assert.equal(shownUpTo({ ...NOW, groups: groups(0), group: 'analytics' }), undefined)
  assert.equal(shownUpTo({ ...NOW, groups: groups(0), now: BASE + 605_000 }), undefined)
})

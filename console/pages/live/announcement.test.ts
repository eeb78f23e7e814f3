import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Happened } from '@timesale/contracts/console-api'
import { announcementOf } from './announcement.ts'

const happened = (id: number, good: boolean): Happened => ({
  ...{ id, good, at: new Date(id).toISOString(), about: 'stock', kind: 'state' },
  what: { en: `en ${id}`, ko: `ko ${id}` },
})

test('nothing is said of nothing', () => {
  assert.equal(announcementOf([], 'en'), undefined)
})

test('of many things the newest bad one is told, and how many more there were', () => {
  const news = [happened(4, true), happened(3, false), happened(2, false), happened(1, true)]
  assert.deepEqual(announcementOf(news, 'en'), { sentence: 'en 3', more: 3 })
  assert.deepEqual(announcementOf(news.toReversed(), 'ko'), { sentence: 'ko 3', more: 3 })
})

test('where all is well, the newest is told', () => {
  assert.deepEqual(announcementOf([happened(1, true), happened(2, true)], 'en'), { sentence: 'en 2', more: 1 })
})

import { useEffect, useRef, useState } from 'react'
import type { Happened } from '@timesale/contracts/console-api'
import { gatewayNow } from '../../api/clock.ts'
import { announcementOf } from './announcement.ts'

/** Time to say one sentence. */
const PAUSE_MS = 5_000

/** What is to be said next of what has happened since the page came; the same again is said again. */
export function useAnnouncement(happened: readonly Happened[], language: string) {
  const [announcement, setAnnouncement] = useState<ReturnType<typeof announcementOf>>()
  const newest = useRef(happened)
  const toldUntil = useRef<number>(undefined)
  useEffect(() => {
    newest.current = happened
  }, [happened])
  useEffect(() => {
    // What happened before somebody came is there to be read, and is not news.
    toldUntil.current ??= gatewayNow()
    const timer = setInterval(() => {
      const until = toldUntil.current ?? 0
      const news = newest.current.filter(({ at }) => Date.parse(at) > until)
      toldUntil.current = Math.max(until, ...news.map(({ at }) => Date.parse(at)))
      if (news.length > 0) setAnnouncement(announcementOf(news, language))
    }, PAUSE_MS)
    return () => clearInterval(timer)
  }, [language])
  return announcement
}

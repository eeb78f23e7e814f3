import { Alert } from '@mantine/core'
import { useDebouncedValue, useMediaQuery } from '@mantine/hooks'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { LiveView } from '@timesale/contracts/console-api'
import { useLive } from '../../api/live.ts'
import { ApiProblem } from '../../api/problem.ts'
import { useAbout } from '../../api/use-about.ts'
import { Age } from '../../ui/Age.tsx'
import { Page } from '../../ui/Page.tsx'
import { useSentence } from '../../ui/use-sentence.ts'
import { HappenedLog } from './HappenedLog.tsx'
import { withLastKnown } from './last-known.ts'
import { LiveCharts } from './LiveCharts.tsx'
import classes from './live.module.css'
import { Others, PartList } from './PartList.tsx'
import { Picture } from './Picture.tsx'
import { Rush } from './Rush.tsx'
import { keepSample } from './samples.ts'
import { Sums } from './Sums.tsx'

/** A stream that opens again at once was not missed. */
const UNNOTICED_MS = 1_000

/** The shop as it runs, whether its books balance, and all the ways to break it. */
export function LivePage() {
  const { t } = useTranslation('live')
  const { view: told, happened, stream } = useLive()
  const view = useKnown(told)
  const hasRoom = useMediaQuery('(min-width: 48em)', true, { getInitialValueInEffect: false })
  useEffect(() => {
    if (told !== undefined) keepSample(told)
  }, [told])
  return (
    <Page title={t('title')} beside={<Age asOf={view?.at} />}>
      <Notes />
      <Sums view={view} />
      <div className={classes['ground']}>
        {hasRoom ? <Picture view={view} isFrozen={stream.is !== 'open'} /> : <PartList view={view} />}
        <div className={classes['aside']}>
          <Rush told={view?.rush} />
          <HappenedLog happened={happened} />
          <LiveCharts />
        </div>
      </div>
      <Others view={view} />
    </Page>
  )
}

/** With what was known last of what is not known now. */
function useKnown(view: LiveView | undefined): LiveView | undefined {
  const [{ told, known }, keep] = useState<{ told: LiveView | undefined; known: LiveView | undefined }>({
    told: undefined,
    known: undefined,
  })
  if (view === undefined || view === told) return known
  const next = withLastKnown(known, view)
  keep({ told: view, known: next })
  return next
}

/** Why something is not to be seen, or not to be done. */
function Notes() {
  const { t } = useTranslation('live')
  const { view, stream } = useLive()
  const sentence = useSentence()
  const about = useAbout()
  const isOpen = stream.is === 'open'
  const [wasOpen] = useDebouncedValue(isOpen, UNNOTICED_MS)
  const isMissed = stream.is === 'broken' || (view !== undefined && !isOpen && !wasOpen)
  const problem = stream.is === 'broken' ? stream.problem : new ApiProblem('no-connection')
  return (
    <>
      {isMissed ? (
        <Alert color="orange" role="status" title={sentence(problem)}>
          {view === undefined ? t('waiting') : t('frozen')}
        </Alert>
      ) : null}
      {isOpen && view?.parts === null ? (
        <Alert color="orange" role="status">
          {t('partsUnknown')}
        </Alert>
      ) : null}
      {about?.actions === false ? <Alert color="gray">{t('onlyLook')}</Alert> : null}
      {about?.actions === true && !about.supervised ? <Alert color="gray">{t('notSupervised')}</Alert> : null}
    </>
  )
}

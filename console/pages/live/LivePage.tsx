import { Alert } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { useLive } from '../../api/live.ts'
import { useAbout } from '../../api/use-about.ts'
import { Age } from '../../ui/Age.tsx'
import { Page } from '../../ui/Page.tsx'
import { useSentence } from '../../ui/use-sentence.ts'
import { HappenedLog } from './HappenedLog.tsx'
import { LiveCharts } from './LiveCharts.tsx'
import classes from './live.module.css'
import { Others, PartList } from './PartList.tsx'
import { Picture } from './Picture.tsx'
import { Rush } from './Rush.tsx'
import { keepSample } from './samples.ts'
import { Sums } from './Sums.tsx'

/** The shop as it runs, whether its books balance, and all the ways to break it. */
export function LivePage() {
  const { t } = useTranslation('live')
  const { view, happened, stream } = useLive()
  const hasRoom = useMediaQuery('(min-width: 48em)', true, { getInitialValueInEffect: false })
  useEffect(() => {
    if (view !== undefined) keepSample(view)
  }, [view])
  return (
    <Page title={t('title')} beside={<Age asOf={view?.at} />}>
      <Notes />
      <Sums view={view} />
      <div className={classes['ground']}>
        {hasRoom ? <Picture view={view} isFrozen={stream.is !== 'open'} /> : <PartList view={view} />}
        <div className={classes['aside']}>
          <Rush rush={view?.rush ?? null} />
          <HappenedLog happened={happened} />
          <LiveCharts />
        </div>
      </div>
      <Others view={view} />
    </Page>
  )
}

/** Why something is not to be seen, or not to be done. */
function Notes() {
  const { t } = useTranslation('live')
  const { view, stream } = useLive()
  const sentence = useSentence()
  const about = useAbout()
  return (
    <>
      {stream.is === 'broken' ? (
        <Alert color="orange" role="status" title={sentence(stream.problem)}>
          {view === undefined ? t('waiting') : t('frozen')}
        </Alert>
      ) : null}
      {stream.is === 'open' && view?.parts === null ? (
        <Alert color="orange" role="status">
          {t('partsUnknown')}
        </Alert>
      ) : null}
      {about?.actions === false ? <Alert color="gray">{t('onlyLook')}</Alert> : null}
      {about?.actions === true && !about.supervised ? <Alert color="gray">{t('notSupervised')}</Alert> : null}
    </>
  )
}

import { Paper, Text, Title, VisuallyHidden } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Happened } from '@timesale/contracts/console-api'
import { useNumbers } from '../../ui/numbers.ts'
import classes from './live.module.css'
import { useAnnouncement } from './use-announcement.ts'

/** What somebody did and what was seen to change, newest first. A screen reader hears of it now and then. */
export function HappenedLog({ happened }: { happened: readonly Happened[] }) {
  const { t, i18n } = useTranslation('live')
  const { time } = useNumbers()
  const announcement = useAnnouncement(happened, i18n.language)
  return (
    <Paper withBorder p="md" component="section" aria-label={t('log')} data-log>
      <Title order={2} size="h5" mb="xs">
        {t('log')}
      </Title>
      <VisuallyHidden aria-live="polite" role="status">
        {announcement === undefined
          ? ''
          : announcement.more === 0
            ? announcement.sentence
            : `${announcement.sentence} ${t('more', { count: announcement.more })}`}
      </VisuallyHidden>
      {happened.length === 0 ? (
        <Text size="sm" c="dimmed">
          {t('logEmpty')}
        </Text>
      ) : (
        <ol className={classes['log']} tabIndex={0} aria-label={t('log')}>
          {happened.map(({ id, at, about, kind, good, what }) => (
            <li
              key={`${at} ${id}`}
              className={classes['happened']}
              data-about={about}
              data-kind={kind}
              data-good={good}
            >
              <time dateTime={at} className={classes['soft']}>
                {time(at)}
              </time>
              <span
                className={good ? classes['good'] : classes['bad']}
                role="img"
                aria-label={t(good ? 'logGood' : 'logBad')}
              >
                {good ? '●' : '✕'}
              </span>
              <span>{i18n.language === 'ko' ? what.ko : what.en}</span>
            </li>
          ))}
        </ol>
      )}
    </Paper>
  )
}

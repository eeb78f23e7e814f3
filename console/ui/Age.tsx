import { Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useNumbers } from './numbers.ts'
import { useNow } from './use-now.ts'

/** Past this, a number that should be new each second is shown as old. */
const OLD_AFTER_S = 5

/** How old a number is, by the gateway's clock. `oldAfterSeconds`: when that begins to be remarkable. */
export function Age({ asOf, oldAfterSeconds = OLD_AFTER_S }: { asOf: string | undefined; oldAfterSeconds?: number }) {
  const { t } = useTranslation('part')
  const { duration } = useNumbers()
  const now = useNow()
  if (asOf === undefined) {
    return (
      <Text span size="xs" c="dimmed" data-age="">
        {t('neverRead')}
      </Text>
    )
  }
  const seconds = Math.max(0, (now - Date.parse(asOf)) / 1000)
  const isOld = seconds > oldAfterSeconds
  return (
    <Text span size="xs" c={isOld ? 'orange' : 'dimmed'} fw={isOld ? 600 : 400} data-age={asOf} data-old={isOld}>
      {seconds < 2 ? t('justNow') : t('asOf', { age: duration(Math.round(seconds)) })}
    </Text>
  )
}

import { Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Page } from '../ui/Page.tsx'

export function NotFound() {
  const { t } = useTranslation('shell')
  return (
    <Page title={t('notFoundTitle')}>
      <Text>{t('notFoundText')}</Text>
    </Page>
  )
}

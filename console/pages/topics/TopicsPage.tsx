import { useTranslation } from 'react-i18next'
import { Page } from '../../ui/Page.tsx'

export function TopicsPage() {
  const { t } = useTranslation('topics')
  return <Page title={t('title')}>{null}</Page>
}

import { useTranslation } from 'react-i18next'
import { Page } from '../../ui/Page.tsx'

export function ClusterPage() {
  const { t } = useTranslation('groups')
  return <Page title={t('title')}>{null}</Page>
}

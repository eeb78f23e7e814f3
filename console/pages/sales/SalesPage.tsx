import { useTranslation } from 'react-i18next'
import { Page } from '../../ui/Page.tsx'

export function SalesPage() {
  const { t } = useTranslation('sales')
  return <Page title={t('title')}>{null}</Page>
}

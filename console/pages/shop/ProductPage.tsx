import { useTranslation } from 'react-i18next'
import { Page } from '../../ui/Page.tsx'

export function ProductPage() {
  const { t } = useTranslation('shop')
  return <Page title={t('title')}>{null}</Page>
}

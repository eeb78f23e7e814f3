import { Anchor, Button, Card, Group, SimpleGrid, Text, TextInput, Title } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { ProductListView } from '@timesale/contracts/storefront-api'
import { call } from '../../api/call.ts'
import { withQuery } from '../../api/use-get.ts'
import { Page } from '../../ui/Page.tsx'
import { ProblemNote } from '../../ui/ProblemNote.tsx'
import { ViewAge } from '../../ui/ViewAge.tsx'
import { BuyerSeat } from './BuyerSeat.tsx'
import { Price } from './Price.tsx'

const route = getRouteApi('/shop')
const EVERY_MS = 2_000
const PAGE_SIZE = '24'

/** The storefront as a buyer sees it. */
export function ShopPage() {
  const { t } = useTranslation('shop')
  return (
    <Page title={t('title')}>
      <BuyerSeat>
        <Products />
      </BuyerSeat>
    </Page>
  )
}

function Products() {
  const { t, i18n } = useTranslation('shop')
  const { q } = route.useSearch()
  const navigate = route.useNavigate()
  const path = q === undefined ? '/api/products' : '/api/search'
  const found = useInfiniteQuery({
    queryKey: ['buyer', path, q],
    queryFn: ({ pageParam, signal }) =>
      call<ProductListView>('buyer', withQuery(path, { q, limit: PAGE_SIZE, cursor: pageParam }), { signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next }) => next,
    refetchInterval: EVERY_MS,
  })
  const products = (found.data?.pages ?? []).flatMap((page) => page.products)
  return (
    <>
      <form
        role="search"
        key={q ?? ''}
        onSubmit={(event) => {
          event.preventDefault()
          const typed = new FormData(event.currentTarget).get('q')
          const words = typeof typed === 'string' ? typed.trim() : ''
          void navigate({ search: { q: words === '' ? undefined : words } })
        }}
      >
        <Group align="flex-end" gap="sm">
          <TextInput name="q" type="search" label={t('search')} defaultValue={q ?? ''} maxLength={100} />
          <Button type="submit">{t('find')}</Button>
          {q === undefined ? null : (
            <Anchor component={Link} to="/shop">
              {t('all')}
            </Anchor>
          )}
        </Group>
      </form>
      {found.isError ? <ProblemNote error={found.error} retry={() => void found.refetch()} /> : null}
      {found.isSuccess && products.length === 0 ? <Text>{t('none')}</Text> : null}
      <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }}>
        {products.map((product) => (
          <Card key={product.productId} withBorder data-product={product.productId}>
            <Title order={2} size="h5">
              <Anchor component={Link} to={`/shop/${product.productId}`} lang={i18n.language}>
                {product.name[i18n.language === 'ko' ? 'ko' : 'en']}
              </Anchor>
            </Title>
            <Text size="xs" c="dimmed">
              {product.productId}
            </Text>
            <Price product={product} />
          </Card>
        ))}
      </SimpleGrid>
      <Group>
        {found.hasNextPage ? (
          <Button variant="default" loading={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
            {t('more')}
          </Button>
        ) : null}
        <ViewAge group="storefront" readAt={found.dataUpdatedAt} />
      </Group>
    </>
  )
}

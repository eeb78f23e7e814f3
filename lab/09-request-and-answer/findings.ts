import { median, shown } from '../framework/chart.ts'
import { inBoth, sameText, type Claim, type Figure, type Text } from '../framework/experiment.ts'
import type { Costs } from './costs.ts'
import type { Way } from './order-service.ts'
import { ALONE, ORDERS, ways, WAYS, type Decided, type Samples } from './trial.ts'

// What two cores with other work on them leave of a difference.
const EVENTS_TAKE = 1.2

const AN_ORDER: Text = { en: 'an order', ko: '주문당' }

export type ByWay = Readonly<Record<Way, Decided>>

/** Orders that were placed while stock was away: what was decided of them then, and of those by events when it was back. */
export interface Alone {
  readonly meanwhile: ByWay
  readonly afterwards: Decided
}

export function claimsOfTime(samples: Samples, decided: ByWay): Claim[] {
  const p50 = (way: Way): number => median(samples[way].map((sample) => sample.p50))
  const factor = p50('events') / p50('http')
  const each = (way: Way, what: keyof Costs): number => median(perOrder(samples, way, what))
  const told = (way: Way): Text => {
    const [transactions, calls] = [shown(each(way, 'transactions')), shown(each(way, 'calls'))]
    const [records, sends] = [shown(each(way, 'records')), shown(each(way, 'sends'))]
    const fetches = shown(each(way, 'fetches'))
    return {
      en: `${WAYS[way].en}: ${transactions} transactions that wrote, ${calls} calls, ${records} records, ${sends} sends and ${fetches} fetches`,
      ko: `${WAYS[way].ko}: 쓰기 트랜잭션 ${transactions}, 호출 ${calls}, 레코드 ${records}, 전송 ${sends}, 페치 ${fetches}`,
    }
  }
  return [
    {
      text: {
        en: 'Either way each order is confirmed, and one unit set aside for it',
        ko: '어느 쪽이든 모든 주문이 확정되고 한 개씩 예약된다',
      },
      holds: ways().every((way) => {
        const { placed, confirmed, reserved } = decided[way]
        return placed > 0 && confirmed === placed && reserved === placed
      }),
      because: {
        en: ways()
          .map(
            (way) =>
              `${WAYS[way].en}: ${decided[way].confirmed} and ${decided[way].reserved} of ${decided[way].placed}`,
          )
          .join('; '),
        ko: ways()
          .map(
            (way) =>
              `${WAYS[way].ko}: ${decided[way].placed}건 가운데 확정 ${decided[way].confirmed}건, 예약 ${decided[way].reserved}건`,
          )
          .join('; '),
      },
    },
    {
      text: {
        en: `By events it takes at least ${EVENTS_TAKE} times as long until the outcome of an order that comes alone is known`,
        ko: `혼자 온 주문의 결과를 알기까지 이벤트는 호출보다 ${EVENTS_TAKE}배 이상 걸린다`,
      },
      holds: factor >= EVENTS_TAKE,
      because: {
        en: `p50 ${shown(p50('events'))} against ${shown(p50('http'))} ms, ${shown(factor)} times`,
        ko: `p50 ${shown(p50('events'))} 대 ${shown(p50('http'))} ms, ${shown(factor)}배`,
      },
    },
    {
      text: {
        en: 'It takes more of everything: two records, two sends and at least two fetches instead of one call, and more transactions that write',
        ko: '무엇이든 더 든다: 호출 하나 대신 레코드 둘, 전송 둘, 페치 둘 이상, 그리고 더 많은 쓰기 트랜잭션',
      },
      holds:
        each('http', 'calls') === 1 &&
        each('events', 'calls') === 0 &&
        each('http', 'records') === 0 &&
        each('events', 'records') === 2 &&
        each('events', 'sends') >= 2 &&
        each('events', 'fetches') >= 2 &&
        each('events', 'transactions') > each('http', 'transactions'),
      because: inBoth((language) => {
        const each = ways().map((way) => told(way)[language])
        return `${AN_ORDER[language]} ${each.join('; ')}`
      }),
    },
  ]
}

/** `alone`: one for each time that stock was away. */
export function claimsOfAlone(alone: readonly Alone[]): Claim[] {
  const told = (confirmed: (one: Alone) => number): string => alone.map(confirmed).join(', ')
  const away = inBoth((language) =>
    ways()
      .map((way) => `${WAYS[way][language]} ${told(({ meanwhile }) => meanwhile[way].confirmed)}`)
      .join('; '),
  )
  const back = told(({ afterwards }) => afterwards.confirmed)
  return [
    {
      text: {
        en: 'What it buys: with stock away nothing is decided in either way, and orders by events are when it is back, though nobody asks again',
        ko: '그 대가로 얻는 것: 재고 서비스가 없는 동안은 어느 쪽도 결정되지 않지만, 이벤트로 받은 주문은 재고 서비스가 돌아오면 아무도 다시 묻지 않아도 결정된다',
      },
      holds:
        alone.length > 0 &&
        alone.every(
          ({ meanwhile, afterwards }) =>
            ways().every((way) => meanwhile[way].placed === ALONE && meanwhile[way].confirmed === 0) &&
            afterwards.confirmed === ALONE &&
            afterwards.reserved === ALONE,
        ),
      because: {
        en: `of ${ALONE} in each way, with stock away ${away.en}; when it was back ${WAYS.events.en} ${back}`,
        ko: `방식마다 ${ALONE}건 가운데 확정된 것: 재고 서비스가 없는 동안 ${away.ko}; 돌아온 뒤 ${WAYS.events.ko} ${back}`,
      },
    },
  ]
}

export function figuresOf(samples: Samples, alone: readonly Alone[]): Figure[] {
  const figure = (title: Text, unit: Text, values: (way: Way) => number[]): Figure => ({
    ...{ title, unit },
    bars: ways().map((way) => ({ side: WAYS[way], values: values(way) })),
  })
  const isTold = samples.events.every(({ costs }) => costs.serversUs > 0)
  return [
    figure({ en: 'Until the outcome is known, p50', ko: '결과를 알기까지, p50' }, sameText('ms'), (way) =>
      samples[way].map(({ p50 }) => p50),
    ),
    figure({ en: 'The slowest hundredth, p99', ko: '느린 1%, p99' }, sameText('ms'), (way) =>
      samples[way].map(({ p99 }) => p99),
    ),
    figure({ en: 'Transactions that wrote', ko: '쓰기 트랜잭션' }, AN_ORDER, (way) =>
      perOrder(samples, way, 'transactions'),
    ),
    figure({ en: 'Requests to Kafka', ko: 'Kafka 요청' }, AN_ORDER, (way) =>
      perOrder(samples, way, 'sends').map(
        (sends, index) =>
          sends + at(perOrder(samples, way, 'fetches'), index) + at(perOrder(samples, way, 'others'), index),
      ),
    ),
    ...(isTold
      ? [
          figure(
            { en: 'CPU of both services, PostgreSQL and Kafka', ko: '두 서비스, PostgreSQL, Kafka의 CPU' },
            { en: 'ms an order', ko: '주문당 ms' },
            (way) => samples[way].map(({ costs }) => (costs.cpuUs + costs.serversUs) / 1000 / ORDERS),
          ),
        ]
      : []),
    {
      title: {
        en: 'Decided, of orders placed while stock was away',
        ko: '재고 서비스가 없을 때 받은 주문 가운데 결정된 것',
      },
      unit: { en: `of ${ALONE}`, ko: `${ALONE}건 중` },
      bars: [
        ...ways().map((way) => ({
          side: { en: `${WAYS[way].en}, stock away`, ko: `${WAYS[way].ko}, 없는 동안` },
          values: alone.map(({ meanwhile }) => meanwhile[way].confirmed),
        })),
        {
          side: { en: `${WAYS.events.en}, stock back`, ko: `${WAYS.events.ko}, 돌아온 뒤` },
          values: alone.map(({ afterwards }) => afterwards.confirmed),
        },
      ],
    },
  ]
}

function perOrder(samples: Samples, way: Way, what: keyof Costs): number[] {
  return samples[way].map(({ costs }) => costs[what] / ORDERS)
}

function at(values: readonly number[], index: number): number {
  return values[index] ?? Number.NaN
}

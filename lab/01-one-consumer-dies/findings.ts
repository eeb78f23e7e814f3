import { shown } from '../framework/chart.ts'
import { sameText, type Claim, type Figure, type Text } from '../framework/experiment.ts'
import { CAUGHT_UP_WITHIN_S, type Outages } from './outages.ts'
import { everyWay, WAYS, type Way } from './ways.ts'

/** Of each run. */
export type Results = Readonly<Record<Way, Outages[]>>

const IN_A_RUN: Text = { en: 'in a run of two outages', ko: '장애 두 번을 겪는 한 회당' }

export function claimsOf({ 'in-request': inRequest, afterwards, events }: Results): Claim[] {
  const asked = total(inRequest, ({ stockAway }) => stockAway.asked)
  const refused = total(inRequest, ({ stockAway }) => stockAway.refused)
  const slow = total(inRequest, ({ stockAway }) => stockAway.slow)
  const slowForNotice = total(inRequest, ({ noticeAway }) => noticeAway.slow)
  const withoutNotice = total(inRequest, (one) => one.withoutNotice)
  const meanwhile = (outages: readonly Outages[]): string =>
    `${total(outages, (one) => one.noticesMeanwhile)} notices of ${total(outages, (one) => one.acceptedMeanwhile)} orders`
  const toDo = [...afterwards.map((one) => one.stockCaughtUp), ...events.flatMap(caughtUpOf)]
  const most = (seconds: readonly number[]): string => `${shown(Math.max(...seconds))} s`
  return [
    {
      text: {
        en: 'Called in the request: while stock is dead buyers wait, and are turned away',
        ko: '요청 안에서 호출: stock이 죽은 동안 구매자는 기다리다 거절당한다',
      },
      holds: inRequest.every(({ stockAway }) => stockAway.refused > 0 && stockAway.slow > 0),
      because: `of ${asked} who came meanwhile ${slow} waited for more than a second, and ${refused} were turned away`,
    },
    {
      text: {
        en: 'While notification is dead they wait as well, for a notice that never comes',
        ko: 'notification이 죽은 동안에도 기다리지만, 기다린 알림은 끝내 오지 않는다',
      },
      holds: inRequest.every((one) => one.noticeAway.slow > 0 && one.withoutNotice > 0),
      because: `${slowForNotice} waited for more than a second, and ${withoutNotice} accepted orders have no notice`,
    },
    {
      text: {
        en: 'Called afterwards nobody is turned away, and all is made up for; but what is still to be told dies with the order program',
        ko: '나중에 호출하면 아무도 거절당하지 않고 밀린 일도 다 한다. 다만 아직 알리지 못한 것은 주문 프로그램과 함께 사라진다',
      },
      holds: afterwards.every(({ all, unwritten, withoutReservation, withoutNotice }) => {
        return all.refused === 0 && unwritten === 0 && withoutReservation === 0 && withoutNotice > 0
      }),
      because: kept(afterwards),
    },
    {
      text: {
        en: 'With events nobody is turned away and nothing is lost, though the order program died as well',
        ko: '이벤트로 알리면 주문 프로그램까지 죽어도 거절당하는 구매자가 없고 잃는 것도 없다',
      },
      holds: events.every(({ all, unwritten, withoutReservation, withoutNotice }) => {
        return all.refused === 0 && unwritten === 0 && withoutReservation === 0 && withoutNotice === 0
      }),
      because: kept(events),
    },
    {
      text: {
        en: 'With events notification goes on while stock is dead; called in the request it has nothing to do',
        ko: '이벤트로 알리면 stock이 죽은 동안에도 notification은 계속 일하고, 요청 안에서 호출하면 할 일이 없다',
      },
      // Half of them, as the latest notices are under way when that time ends.
      holds:
        events.length > 0 &&
        events.every((one) => one.acceptedMeanwhile > 0 && one.noticesMeanwhile >= one.acceptedMeanwhile / 2) &&
        inRequest.every((one) => one.noticesMeanwhile === 0),
      because: `written in that time, of orders accepted in it: ${meanwhile(events)} with events, ${meanwhile(inRequest)} called in the request`,
    },
    {
      text: {
        en: `Who comes back has made up for everything within ${CAUGHT_UP_WITHIN_S} s, called afterwards or told by events`,
        ko: `돌아온 프로그램은 나중에 호출하든 이벤트로 알리든 밀린 일을 ${CAUGHT_UP_WITHIN_S}초 안에 다 한다`,
      },
      // Nothing to make up for would be no answer.
      holds:
        [...afterwards, ...events].every(({ inTime }) => inTime) &&
        toDo.length > 0 &&
        toDo.every((seconds) => seconds > 0 && seconds <= CAUGHT_UP_WITHIN_S),
      because: `at most: stock ${most(afterwards.map((one) => one.stockCaughtUp))} called afterwards, ${most(events.map((one) => one.stockCaughtUp))} with events; notification ${most(events.map((one) => one.noticesCaughtUp))} with events`,
    },
  ]
}

export function figuresOf(results: Results): Figure[] {
  const figure = (title: Text, unit: Text, ways: readonly Way[], value: (one: Outages) => number): Figure => ({
    ...{ title, unit },
    bars: ways.map((way) => ({ side: WAYS[way], values: results[way].map(value) })),
  })
  return [
    figure(
      { en: 'Buyers who were turned away', ko: '거절당한 구매자' },
      IN_A_RUN,
      everyWay(),
      ({ all }) => all.refused,
    ),
    figure(
      { en: 'Buyers who waited for more than a second', ko: '1초 넘게 기다린 구매자' },
      IN_A_RUN,
      everyWay(),
      ({ all }) => all.slow,
    ),
    figure(
      { en: 'Accepted orders whose notice never came', ko: '받아들였지만 알림이 끝내 오지 않은 주문' },
      IN_A_RUN,
      everyWay(),
      ({ withoutNotice }) => withoutNotice,
    ),
    figure(
      {
        en: 'From the start of stock until it has made up for everything',
        ko: 'stock을 다시 띄우고 밀린 일을 다 할 때까지',
      },
      sameText('s'),
      ['afterwards', 'events'],
      ({ stockCaughtUp }) => stockCaughtUp,
    ),
    figure(
      { en: 'From the start of notification until it has', ko: 'notification을 다시 띄우고 밀린 일을 다 할 때까지' },
      sameText('s'),
      ['events'],
      ({ noticesCaughtUp }) => noticesCaughtUp,
    ),
  ]
}

function caughtUpOf({ stockCaughtUp, noticesCaughtUp }: Outages): number[] {
  return [stockCaughtUp, noticesCaughtUp]
}

export function total(outages: readonly Outages[], value: (one: Outages) => number): number {
  return outages.reduce((sum, one) => sum + value(one), 0)
}

function kept(outages: readonly Outages[]): string {
  const [accepted, refused, slow] = (['accepted', 'refused', 'slow'] as const).map((what) =>
    total(outages, ({ all }) => all[what]),
  )
  const [unwritten, withoutReservation, withoutNotice] = (
    ['unwritten', 'withoutReservation', 'withoutNotice'] as const
  ).map((what) => total(outages, (one) => one[what]))
  return `${refused} turned away, ${slow} waited; of ${accepted} accepted orders ${unwritten} are not in the database, ${withoutReservation} have no reservation and ${withoutNotice} no notice`
}

import type { GroupLagView, Happened, PartActionName, PartView, RushView } from '@timesale/contracts/console-api'

type Sentence = Happened['what']

/** For what happened, in both languages. */
export function partSays(name: string, state: PartView['state']): Sentence {
  const { en, ko } = STATES[state]
  return { en: `${name} ${en}.`, ko: `${name}: ${ko}.` }
}

const STATES: Readonly<Record<PartView['state'], Sentence>> = {
  running: { en: 'is running', ko: '실행 중입니다' },
  starting: { en: 'is starting', ko: '시작하는 중입니다' },
  restarting: { en: 'died and is started again', ko: '죽어서 다시 시작하는 중입니다' },
  paused: { en: 'is paused: it answers nothing', ko: '일시 정지되어 아무 응답도 하지 않습니다' },
  stopped: { en: 'is stopped', ko: '멈춰 있습니다' },
  external: { en: 'is a server of your own', ko: '직접 운영하는 서버입니다' },
  unknown: { en: 'is not heard from', ko: '상태를 알 수 없습니다' },
}

export function groupSays({ group, lagRecords, lagSeconds }: GroupLagView, isBehind: boolean): Sentence {
  if (!isBehind) return { en: `The group ${group} has caught up.`, ko: `${group} 그룹: 랙을 모두 따라잡았습니다.` }
  const records = lagRecords ?? 0
  const age = lagSeconds === null ? undefined : Math.round(lagSeconds)
  return {
    en: `The group ${group} is ${whole(records)} ${records === 1 ? 'record' : 'records'}${age === undefined ? '' : `, ${whole(age)} s,`} behind.`,
    ko: `${group} 그룹: 랙 ${whole(records)}건${age === undefined ? '' : `, ${whole(age)}초`}.`,
  }
}

export function topicSays(topic: string, is: 'made' | 'deleted'): Sentence {
  return is === 'made'
    ? { en: `The topic ${topic} was made.`, ko: `${topic} 토픽을 만들었습니다.` }
    : { en: `The topic ${topic} was deleted.`, ko: `${topic} 토픽을 삭제했습니다.` }
}

export function ordersSay(accepted: number, found: number): Sentence {
  if (accepted === found) return { en: 'The orders add up again.', ko: '주문 합계가 다시 맞습니다.' }
  return {
    en: `The orders do not add up: ${whole(accepted)} were accepted, and ${whole(found)} are there.`,
    ko: `주문 합계가 맞지 않습니다: 접수 ${whole(accepted)}건, 상태별 합계 ${whole(found)}건.`,
  }
}

export function stockSays(initial: number, found: number): Sentence {
  if (initial === found) return { en: 'The stock adds up again.', ko: '재고 합계가 다시 맞습니다.' }
  return {
    en: `The stock does not add up: of ${whole(initial)} units ${whole(found)} are available, reserved or sold.`,
    ko: `재고 합계가 맞지 않습니다: 처음 ${whole(initial)}개, 가용·예약·판매 합계 ${whole(found)}개.`,
  }
}

export function rushSays({ state }: RushView): Sentence {
  return RUSHES[state]
}

const RUSHES: Readonly<Record<RushView['state'], Sentence>> = {
  running: { en: 'The rush is running.', ko: '타임세일이 진행 중입니다.' },
  held: { en: 'The rush is over: everything holds.', ko: '타임세일이 끝났습니다. 지켜야 할 규칙이 모두 지켜졌습니다.' },
  broken: {
    en: 'The rush is over, and not everything holds.',
    ko: '타임세일이 끝났습니다. 지켜지지 않은 규칙이 있습니다.',
  },
  failed: { en: 'The rush came to no verdict.', ko: '타임세일이 판정까지 가지 못했습니다.' },
  stopped: { en: 'The rush was stopped.', ko: '타임세일을 중단했습니다.' },
}

/** What somebody does; said before it is so. */
export function actionSays(who: string, part: string, action: PartActionName): Sentence {
  const { en, ko } = ACTIONS[action]
  return { en: `${who} ${en} ${part}.`, ko: `${who} 님의 ${ko}: ${part}.` }
}

export function notDoneSays(why: string): Sentence {
  return { en: `That was not done: ${why}`, ko: `되지 않았습니다: ${why}` }
}

const ACTIONS: Readonly<Record<PartActionName, Sentence>> = {
  stop: { en: 'stops', ko: '중지' },
  start: { en: 'starts', ko: '시작' },
  kill: { en: 'kills', ko: '강제 종료' },
  pause: { en: 'pauses', ko: '일시 정지' },
  resume: { en: 'resumes', ko: '재개' },
  restart: { en: 'restarts', ko: '재시작' },
}

export function rushBegunSays(who: string, { buyers, units }: Pick<RushView, 'buyers' | 'units'>): Sentence {
  return {
    en: `${who} begins a rush: ${whole(buyers)} buyers for ${whole(units)} units.`,
    ko: `${who} 님의 타임세일 시작: 구매자 ${whole(buyers)}명, 상품 ${whole(units)}개.`,
  }
}

function whole(number: number): string {
  return number.toLocaleString('en-US')
}

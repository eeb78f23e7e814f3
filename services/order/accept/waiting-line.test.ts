import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Refusal } from '@timesale/contracts/refusals'
import { toWish, type Wish } from './place-orders.ts'
import { answer, fail, WaitingLine, type Tell, type Waiting } from './waiting-line.ts'

test('who comes in one turn of the event loop goes in one flush, in the order of arrival', async () => {
  const { line, looks, flushes } = setup()
  const answers = ['a', 'b', 'c'].map((id) => line.join(order(id)))
  await turn()
  looks[0]?.end()
  await turn()
  assert.deepEqual(
    looks.map(({ ids }) => ids),
    [['a', 'b', 'c']],
  )
  assert.deepEqual(
    flushes.map(({ ids }) => ids),
    [['a', 'b', 'c']],
  )
  flushes[0]?.accept()
  assert.deepEqual(await Promise.all(answers), ['accepted', 'accepted', 'accepted'])
})

test('who comes while a flush is under way is looked up meanwhile, and goes as soon as it ends', async () => {
  const { line, looks, flushes } = await underWay('a', 'b', 'c', 'd')
  void line.join(order('e'))
  await turn()
  assert.equal(looks.length, 1, 'a look is worth it for half a flush')
  void line.join(order('f'))
  await turn()
  assert.deepEqual(looks[1]?.ids, ['e', 'f'])
  for (const id of ['g', 'h']) void line.join(order(id))
  await turn()
  assert.equal(looks.length, 2, 'one look at a time')
  looks[1].end()
  await turn()
  assert.deepEqual(looks[2]?.ids, ['g', 'h'])
  looks[2].end()
  await turn()
  assert.equal(flushes.length, 1, 'one flush at a time')

  flushes[0]?.accept()
  await turn()
  assert.deepEqual(flushes[1]?.ids, ['e', 'f', 'g', 'h'])
  assert.equal(looks.length, 3)
})

test('a look that hangs holds up neither the flush under way nor who has been looked up before', async () => {
  const { line, looks, flushes, answers } = await underWay('a')
  const second = line.join(order('b'))
  await turn()
  looks[1]?.end()
  await turn()
  const third = line.join(order('c'))
  await turn()
  assert.deepEqual(looks[2]?.ids, ['c'], 'and this one hangs')

  flushes[0]?.accept()
  assert.deepEqual(await Promise.all(answers), ['accepted'])
  await turn()
  assert.deepEqual(flushes[1]?.ids, ['b'])
  flushes[1].accept()
  assert.equal(await second, 'accepted')

  looks[2].end()
  await turn()
  flushes[2]?.accept()
  assert.equal(await third, 'accepted')
})

test('an order that Redis remembers is answered while a flush hangs, to everybody who sent it', async () => {
  const { line, looks, flushes } = await underWay('a')
  const repeats = [line.join(order('b')), line.join(order('b'))]
  await turn()
  looks[1]?.end({ repeated: ['b'] })
  assert.deepEqual(await Promise.all(repeats), ['accepted', 'accepted'])
  flushes[0]?.accept()
  await turn()
  assert.equal(flushes.length, 1, 'nothing is left for another one')

  const later = line.join(order('b'))
  await turn()
  looks[2]?.end()
  await turn()
  flushes[1]?.accept()
  assert.equal(await later, 'accepted', 'and it may be asked for again')
})

test('what is looked up ahead is one flush and not the whole line, so that it is not old when its turn comes', async () => {
  const { line, looks, flushes } = await underWay('a')
  for (let number = 0; number < 300; number += 1) void line.join(order(`o-${number}`))
  await turn()
  looks[1]?.end()
  await turn()
  assert.equal(looks.length, 2)
  flushes[0]?.accept()
  await turn()
  assert.deepEqual(
    [looks[1], looks[2], flushes[1]].map((some) => some?.ids.length),
    [128, 128, 128],
  )
})

test('what is sold out is told with those it was asked for', async () => {
  const { line, looks, flushes } = await underWay('a', 'b')
  for (const [id, productId] of [['c', 'P1'] as const, ['d', 'P2'] as const]) void line.join(order(id, 1, productId))
  await turn()
  looks[1]?.end({ soldOut: ['P1'] })
  flushes[0]?.accept()
  await turn()
  assert.deepEqual(flushes[1]?.soldOut, ['c'])
})

test('the same order sent again shares a place, and another one under its id goes after it', async () => {
  const { line, looks, flushes } = await underWay('a')
  const same = [line.join(order('b')), line.join(order('b'))]
  const other = line.join(order('b', 2))
  await turn()
  looks[1]?.end()
  flushes[0]?.accept()
  await turn()
  assert.deepEqual(flushes[1]?.ids, ['b'])
  flushes[1].accept()
  assert.deepEqual(await Promise.all(same), ['accepted', 'accepted'])
  await turn()
  assert.deepEqual(flushes[2]?.ids, ['b'])
  flushes[2].refuse(new Error('another order'))
  await assert.rejects(other, /another order/)
})

test('when all are failed, whoever is being looked up is told then and there, and not flushed afterwards', async () => {
  const { line, looks, flushes } = await underWay('a', 'b', 'c', 'd')
  const ready = ['e', 'f'].map((id) => line.join(order(id)))
  await turn()
  looks[1]?.end()
  await turn()
  const rest = ['g', 'h', 'i'].map((id) => line.join(order(id)))
  await turn()
  assert.deepEqual(
    [looks[1]?.ids, looks[2]?.ids],
    [
      ['e', 'f'],
      ['g', 'h', 'i'],
    ],
  )

  line.failAll(({ orderId }) => new Error(`${orderId} is told`))
  for (const [index, one] of [...ready, ...rest].entries())
    await assert.rejects(one, new RegExp(`${'efghi'[index]} is told`))
  const again = line.join(order('g'))
  looks[2]?.end({ repeated: ['h'] })
  flushes[0]?.accept()
  await turn()
  looks[3]?.end()
  await turn()
  assert.deepEqual(
    flushes.slice(1).map(({ ids }) => ids),
    [['g']],
    'only who came after that',
  )
  flushes[1]?.accept()
  assert.equal(await again, 'accepted')
})

test('nobody is let in who would have to wait for many slow flushes', async (t) => {
  const { line, looks, flushes } = setup()
  const clock = t.mock.method(performance, 'now', () => 0)
  void line.join(order('first'))
  await turn()
  looks[0]?.end()
  await turn()
  // 150 ms hold two and a half flushes of 60 ms.
  clock.mock.mockImplementation(() => 60)
  flushes[0]?.accept()
  await turn()
  crowd(line, 2.5 * 128)
  assert.equal(line.isTooLong, false)
  crowd(line, 1)
  assert.equal(line.isTooLong, true)
})

test('small flushes, however many and quick, do not make anybody believe that full ones are as quick', async (t) => {
  const { line, looks, flushes } = setup()
  const clock = t.mock.method(performance, 'now', () => 0)
  for (let number = 0; number < 20; number += 1) {
    void line.join(order(String(number)))
    await turn()
    looks[number]?.end()
    await turn()
    clock.mock.mockImplementation(() => 60 + number)
    flushes[number]?.accept()
    await turn()
  }
  crowd(line, 2.5 * 128 + 1)
  assert.equal(line.isTooLong, true)
})

test('full flushes that become quicker are believed after some of them', async (t) => {
  const { line, looks, flushes } = setup()
  const clock = t.mock.method(performance, 'now', () => 0)
  for (let number = 0; number < 10; number += 1) {
    crowd(line, 128)
    await turn()
    looks[number]?.end()
    await turn()
    clock.mock.mockImplementation(() => 140 + 10 * number)
    flushes[number]?.accept()
    await turn()
  }
  crowd(line, 5 * 128)
  assert.equal(line.isTooLong, false)
})

test('while a flush hangs nobody is let in who would have to wait for it', async (t) => {
  const { line } = await underWay('a')
  const began = performance.now()
  const clock = t.mock.method(performance, 'now', () => began)
  clock.mock.mockImplementation(() => began + 149)
  crowd(line, 128)
  assert.equal(line.isTooLong, false)
  clock.mock.mockImplementation(() => began + 200)
  assert.equal(line.isTooLong, true)
})

test('whoever waits for a look counts in the line, which is too long when it is long and slow', async (t) => {
  const { line } = await underWay('a')
  const clock = t.mock.method(performance, 'now', () => 0)
  const waiting = Array.from({ length: 128 }, (_, index) => line.join(order(`w-${index}`)))
  await turn()
  clock.mock.mockImplementation(() => 149)
  waiting.push(line.join(order('in time')))
  clock.mock.mockImplementation(() => 151)
  await assert.rejects(line.join(order('late')), (error) => error instanceof Refusal && error.code === 'overloaded')
  line.failAll(() => new Error('over'))
  assert.ok((await Promise.allSettled(waiting)).every(({ status }) => status === 'rejected'))
})

function order(id: string, quantity = 1, productId = 'P1'): Wish {
  return toWish(id, { productId, quantity }, '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01')
}

/** So many more, whatever becomes of them. */
function crowd(line: WaitingLine, buyers: number): void {
  for (let number = 0; number < buyers; number += 1)
    line.join(order(`one-of-many-${crypto.randomUUID()}`)).catch(() => undefined)
}

// What is resolved by now has been told.
async function turn(): Promise<void> {
  for (let times = 0; times < 3; times += 1) await new Promise(setImmediate)
}

interface Look {
  readonly ids: readonly string[]
  readonly end: (found?: { repeated?: string[]; soldOut?: string[] }) => void
}

interface Flush {
  readonly ids: readonly string[]
  readonly soldOut: readonly string[]
  readonly accept: () => void
  readonly refuse: (error: Error) => void
}

/** A line whose looks and flushes end when the test says so. */
function setup() {
  const looks: Look[] = []
  const flushes: Flush[] = []
  const line = new WaitingLine({
    door: {
      look: (wishes) =>
        new Promise((resolve) => {
          looks.push({
            ids: wishes.map(({ orderId }) => orderId),
            end: ({ repeated = [], soldOut = [] } = {}) =>
              resolve({ repeated: new Set(repeated), soldOut: new Set(soldOut) }),
          })
        }),
    },
    flush: (batch) =>
      new Promise((resolve) => {
        const tellAll = (tell: (one: Waiting) => void): Tell => {
          return () => batch.forEach((one) => tell(one))
        }
        flushes.push({
          ids: batch.map(({ wish }) => wish.orderId),
          soldOut: batch.filter((one) => one.soldOut).map(({ wish }) => wish.orderId),
          accept: () => resolve(tellAll((one) => answer(one, 'accepted'))),
          refuse: (error) => resolve(tellAll((one) => fail(one, error))),
        })
      }),
  })
  return { line, looks, flushes }
}

/** The same with a first flush that is under way. */
async function underWay(...ids: string[]) {
  const { line, looks, flushes } = setup()
  const answers = ids.map((id) => line.join(order(id)))
  await turn()
  looks[0]?.end()
  await turn()
  assert.equal(flushes.length, 1)
  return { line, looks, flushes, answers }
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { statementOf, type Sql } from './sql.ts'

test('a value becomes a numbered parameter', async () => {
  const { sql, sent } = setup()

  await sql`select * from orders where order_id = ${'o-1'} and version > ${2}`

  assert.deepEqual(sent, [{ text: 'select * from orders where order_id = $1 and version > $2', values: ['o-1', 2] }])
})

test('a statement without values is sent as it stands', async () => {
  const { sql, sent } = setup()

  await sql`select 1`

  assert.deepEqual(sent, [{ text: 'select 1', values: [] }])
})

test('no value, whatever it says, is ever part of the text', async () => {
  await fc.assert(
    fc.asyncProperty(fc.anything(), fc.string(), async (first, second) => {
      const { sql, sent } = setup()

      await sql`insert into notes values (${first}, ${second}, ${"'); drop table notes; --"})`

      assert.equal(sent[0]?.text, 'insert into notes values ($1, $2, $3)')
      assert.equal(sent[0]?.values[1], second)
    }),
  )
})

test('more than nine values keep their places', async () => {
  const { sql, sent } = setup()

  await sql`${0} ${1} ${2} ${3} ${4} ${5} ${6} ${7} ${8} ${9} ${10}`

  assert.equal(sent[0]?.text, '$1 $2 $3 $4 $5 $6 $7 $8 $9 $10 $11')
})

test('a statement in one place of the code has one text, and another place its own', async () => {
  const { sql, sent } = setup()
  const find = (id: string) => sql`select * from orders where order_id = ${id}`

  await find('a')
  await find('b')
  await sql`select * from notices where order_id = ${'c'}`

  assert.deepEqual(
    sent.map(({ text, values }) => [text, values]),
    [
      ['select * from orders where order_id = $1', ['a']],
      ['select * from orders where order_id = $1', ['b']],
      ['select * from notices where order_id = $1', ['c']],
    ],
  )
})

function setup() {
  const sent: { text: string; values: readonly unknown[] }[] = []
  const sql: Sql = (text, ...values) => {
    sent.push({ text: statementOf(text).text, values })
    return Promise.resolve([])
  }
  return { sql, sent }
}

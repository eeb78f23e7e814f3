import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePasswd } from './os-user.ts'

test('the postgres user is found by its name, with its numbers', () => {
  const text =
    'root:x:0:0:root:/root:/bin/bash\nmy-postgres:x:5:5::/:/bin/sh\npostgres:x:101:104:PostgreSQL administrator,,,:/var/lib/postgresql:/bin/bash\n'

  assert.deepEqual(parsePasswd(text), { name: 'postgres', uid: 101, gid: 104 })
})

test('the one that macOS brings along will do', () => {
  assert.deepEqual(parsePasswd('# User Database\n_postgres:*:216:216:PostgreSQL Server:/var/empty:/usr/bin/false\n'), {
    name: '_postgres',
    uid: 216,
    gid: 216,
  })
})

test('without either there is none', () => {
  assert.equal(parsePasswd('root:x:0:0:root:/root:/bin/bash\n'), undefined)
})

import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { requireWritable } from './require-writable.ts'

test('a folder that can be written to is left as it was, and one that cannot is named with the way out', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'timesale-lab-test-'))
  try {
    await requireWritable([folder])
    assert.deepEqual(readdirSync(folder), [])
    // Where a file stands nobody can write into a folder, not even root.
    const blocked = join(folder, '03-blocked')
    writeFileSync(blocked, '')
    await assert.rejects(requireWritable([folder, blocked]), {
      name: 'Complaint',
      message: /03-blocked \(ENOTDIR\), where results are kept: make the folder writable/,
    })
    assert.deepEqual(readdirSync(folder), ['03-blocked'])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

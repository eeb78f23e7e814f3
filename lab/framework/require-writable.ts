import { rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { Complaint } from '@timesale/local/commands/command-line'
import { halfMade } from '@timesale/local/infrastructure/made-whole'
import { LAB } from './experiments.ts'

/**
 * Complains before an experiment has taken its minute in vain. A file is written, as its mode says nothing of a folder to root,
 * nor of a disk that is full; those that are there already are replaced, so it does not matter whose they are.
 */
export async function requireWritable(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    const probe = halfMade(join(folder, 'result.json'))
    try {
      await writeFile(probe, '\n')
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      throw new Complaint(
        `Nothing can be written into ${relative(dirname(LAB), folder)} (${code}), where results are kept: make the folder writable for the user who runs the lab, or run it in a clone of your own.`,
        { cause },
      )
    } finally {
      await rm(probe, { force: true }).catch(() => undefined)
    }
  }
}

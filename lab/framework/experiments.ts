import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Experiment } from './experiment.ts'

export const LAB = join(import.meta.dirname, '..')
const FOLDER = /^(\d{2})-[a-z0-9-]+$/

/** An experiment's folder, by its number. */
export interface Place {
  readonly number: number
  readonly name: string
  readonly folder: string
}

/** In the order of their numbers. */
export async function findExperiments(): Promise<Place[]> {
  const names = (await readdir(LAB)).filter((name) => FOLDER.test(name)).sort()
  return names.map((name) => ({ number: Number(FOLDER.exec(name)?.[1]), name, folder: join(LAB, name) }))
}

export async function loadExperiment({ folder }: Place): Promise<Experiment> {
  const { experiment } = (await import(join(folder, 'experiment.ts'))) as { experiment: Experiment }
  return experiment
}

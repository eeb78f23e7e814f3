/** The last line of the tool sums up: `200000 records sent, 198225.9 records/sec (94.5 MB/sec), …`. */
export function producerRate(output: string): number {
  const rates = [...output.matchAll(/^(\d+) records sent, ([\d.]+) records\/sec/gm)]
  const rate = Number(rates.at(-1)?.[2])
  if (Number.isNaN(rate)) throw new Error(`ProducerPerformance has told no rate: ${output}`)
  return rate
}

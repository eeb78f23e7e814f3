/** The newest records of a topic: nothing is looked for. */
export const NO_SEARCH = {
  key: undefined,
  text: undefined,
  partition: undefined,
  from: undefined,
  since: undefined,
  tail: undefined,
}

const turns = new Map<string, Promise<unknown>>()

/**
 * Does `act` when nobody else in this browser is at it under this name. Browsers have locks on https and on localhost alone;
 * on plain http elsewhere (`locks` is undefined) it is nobody else in this tab.
 */
export async function oneAtATime<Outcome>(
  locks: Pick<LockManager, 'request'> | undefined,
  name: string,
  act: () => Promise<Outcome>,
): Promise<Outcome> {
  if (locks !== undefined) return await locks.request(name, act)
  const before = turns.get(name) ?? Promise.resolve()
  const turn = before.then(act, act)
  turns.set(name, turn)
  return await turn
}

// Ages are told by the gateway's clock: a browser's may be minutes off.

let aheadMs = 0

/** Milliseconds since the epoch, by the gateway's clock as far as it is known. */
export function gatewayNow(): number {
  return Date.now() + aheadMs
}

/** `at`: what the gateway's clock showed a moment ago. */
export function setGatewayClock(at: number): void {
  if (Number.isFinite(at)) aheadMs = at - Date.now()
}

/** A moment of this browser's clock, by the gateway's; undefined for never. */
export function onGatewayClock(at: number): string | undefined {
  return at === 0 ? undefined : new Date(at + aheadMs).toISOString()
}

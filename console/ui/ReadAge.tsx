import { gatewayNow } from '../api/clock.ts'
import { Age } from './Age.tsx'

/** How old an answer is that does not say so itself. `readAt`: by this browser's clock, 0 for never, as a query has it. */
export function ReadAge({ readAt, oldAfterSeconds }: { readAt: number; oldAfterSeconds?: number }) {
  const asOf = readAt === 0 ? undefined : new Date(readAt - Date.now() + gatewayNow()).toISOString()
  return <Age asOf={asOf} {...(oldAfterSeconds === undefined ? {} : { oldAfterSeconds })} />
}

/**
 * Every statement is prepared once a connection and planned once: planning a batch anew costs more than running it (of an
 * order's 90 µs in PostgreSQL, 40 were that).
 *
 * A plan lasts, so it is made while a table may still be empty, and a rush comes before autovacuum tells better: no
 * statement may leave the planner a choice that is good for a small table and ruinous for a large one. So there are no
 * sequential scans, and hot statements join nothing: they find rows by `key = any(keys)`, by ON CONFLICT, or by a
 * subquery for each row.
 */
export const PLANNED_ONCE = ['plan_cache_mode=force_generic_plan', 'enable_seqscan=off'] as const

/** The startup parameter `options` for settings of the form `name=value`. */
export function serverOptions(settings: readonly string[]): string {
  return settings.map((setting) => `-c ${setting}`).join(' ')
}

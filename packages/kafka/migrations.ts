/** The tables that every service has: outbox, inbox, parked events, dead letters, the installation's id, answers kept by Idempotency-Key. */
export const COMMON_MIGRATIONS = new URL('./migrations/', import.meta.url)

/**
 * Sessions that were ended while tokens of theirs may still be valid: a sorted set, session id -> when its last token
 * expires, milliseconds since the epoch. Written by the account service after each end, and whole once a second.
 */
export const REVOKED_SESSIONS_KEY = 'timesale:sessions:revoked'

/** When that set was last written whole, milliseconds since the epoch; expires by itself soon after the writer is gone. */
export const REVOKED_SESSIONS_WRITTEN_KEY = 'timesale:sessions:revoked-written'

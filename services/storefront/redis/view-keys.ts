/** Keys of the view; `:<generation>:` names one of several that are built one after the other. */
export const VIEW_PREFIX = 'timesale:view:'

/**
 * What a generation's name begins with. Raise it when what is stored changes its form: what another version of this
 * program has built is then neither read nor followed, and built anew.
 */
export const VIEW_FORM = 'f3-'

// For scripts: the names that all of them need. `meta` of a generation: `made`, when it was begun; `at:<topic>
// <partition>`, the next offset; `done` and `total`, in records; `asOf`, the time of the newest event; `levelAt`, when it was
// last known to show all there was on the topics, in milliseconds since the epoch.
export const KEYS_IN_LUA = `
local CURRENT = '${VIEW_PREFIX}current'
local NEXT = '${VIEW_PREFIX}next'
local KEEPER = '${VIEW_PREFIX}keeper'
local function prefix(generation) return '${VIEW_PREFIX}' .. generation .. ':' end
local function meta(generation) return prefix(generation) .. 'meta' end
`

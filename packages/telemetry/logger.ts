import { pino, type Logger } from 'pino'

export type { Logger } from 'pino'

/** Structured logs on stdout, one JSON object a line. Whatever may be a secret is cut out. */
export function createLogger(options: { service: string; level: string }): Logger {
  return pino({
    level: options.level,
    base: { service: options.service },
    redact: {
      paths: ['password', '*.password', 'url', '*.url', 'authorization', '*.authorization'],
      censor: '[redacted]',
    },
    timestamp: pino.stdTimeFunctions.isoTime,
  })
}

/**
 * Logs what happens to single orders for a person who follows one, without costing a rush anything: at most
 * `linesPerSecond` of a message, then one line that says how many were left out.
 */
export function calmLog(logger: Logger, message: string, linesPerSecond = 100): (fields: () => object) => void {
  let second = 0
  let written = 0
  let leftOut = 0
  return (fields) => {
    const now = Math.floor(Date.now() / 1000)
    if (now !== second) {
      if (leftOut > 0) logger.info({ leftOut }, `${message} (more like this were not logged)`)
      second = now
      written = 0
      leftOut = 0
    }
    if (written < linesPerSecond) {
      written += 1
      logger.info(fields(), message)
    } else {
      leftOut += 1
    }
  }
}

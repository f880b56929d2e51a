import type { Logger } from '../../plugin/logger.ts'

export interface LogLine {
  readonly level: keyof Logger
  readonly fields: object
  readonly sentence: string
}

/** A logger that keeps what it is told. */
export function recordingLogger(): { readonly log: LogLine[]; readonly logger: Logger } {
  const log: LogLine[] = []
  const at =
    (level: keyof Logger) =>
    (fields: object, sentence: string): void => {
      log.push({ level, fields, sentence })
    }
  const logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  return { log, logger }
}

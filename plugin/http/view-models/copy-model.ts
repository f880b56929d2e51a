import type { CopyProgress } from '../../api/status-document.ts'
import { percentOf } from '../i18n/formats.ts'
import type { Language } from '../i18n/language.ts'

/** The progress of a copy, for status, set-up and synchronisation. */
export function copyModel(copy: CopyProgress, language: Language): object {
  const { rows, tables } = copy
  const { t, bytes, count, duration, moment } = language
  return {
    percent: percentOf(copy.bytes.done, copy.bytes.estimated),
    tables: t('copy.tables', { done: tables.done, total: tables.total }),
    ...(copy.finishedAt === null
      ? {
          rows: t('copy.rows', { done: count(rows.done), total: count(rows.estimated) }),
          bytes: t('copy.bytes', {
            done: bytes(copy.bytes.done),
            total: bytes(copy.bytes.estimated),
          }),
        }
      : {
          rows: t('copy.rowsDone', { done: count(rows.done) }),
          bytes: t('copy.bytesDone', { done: bytes(copy.bytes.done) }),
        }),
    remaining:
      copy.remainingMs === null
        ? null
        : t('copy.remaining', { duration: duration(copy.remainingMs) }),
    table: copy.table,
    isFinished: copy.finishedAt !== null,
    started: moment(copy.startedAt)?.text,
    finished: moment(copy.finishedAt)?.text,
  }
}

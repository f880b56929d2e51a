import type { DoctorCheck } from '../../api/agent-api.ts'
import type { HotStandbyError } from '../../errors.ts'

export function ok(id: string, title: string, detail: string): DoctorCheck {
  return { id, title, result: 'ok', detail, remedy: null }
}

export function warning(id: string, title: string, detail: string, remedy: string): DoctorCheck {
  return { id, title, result: 'warning', detail, remedy }
}

/** A failed check from the error that the same fault gives elsewhere, so that words and remedy agree. */
export function failed(id: string, title: string, error: HotStandbyError): DoctorCheck {
  return { id, title, result: 'failed', detail: error.message, remedy: error.remedy }
}

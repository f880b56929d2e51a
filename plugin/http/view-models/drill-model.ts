import type { DrillReport, DrillStep } from '../../api/drill-report.ts'
import type { StatusDocument } from '../../api/status-document.ts'
import type { Language } from '../i18n/language.ts'
import type { Pill, Tone } from './words.ts'

const RESULT: Readonly<Record<DrillStep['result'], Tone>> = {
  ok: 'good',
  failed: 'bad',
  skipped: 'info',
}

function verdictPill({ ok, steps }: DrillReport, { t }: Language): Pill {
  if (!ok) return { title: t('drill.verdict.failed'), tone: 'bad' }
  const count = steps.filter(({ result }) => result === 'skipped').length
  return {
    title: count === 0 ? t('drill.verdict.ok') : t('drill.verdict.partly', { count }),
    tone: 'good',
  }
}

/** The last rehearsal and its report; null when there was none. */
export function drillModel({ lastDrill, at }: StatusDocument, language: Language): object | null {
  if (lastDrill === null) return null
  const { t, ago, duration, moment } = language
  const { plannedMs, failoverMs } = lastDrill.expectedOutage
  const outage = (ms: number | null): string =>
    ms === null ? t('lastTakeOver.unknown') : duration(ms)
  return {
    at: moment(lastDrill.at),
    ago: ago(lastDrill.at, at),
    verdict: verdictPill(lastDrill, language),
    hostName: lastDrill.hostName,
    by: lastDrill.by,
    planned: outage(plannedMs),
    failover: outage(failoverMs),
    steps: lastDrill.steps.map((step) => ({
      result: { title: t(`drill.result.${step.result}`), tone: RESULT[step.result] ?? 'warning' },
      title: step.title,
      detail: step.detail,
      remedy: step.remedy,
      duration: duration(step.durationMs),
    })),
  }
}

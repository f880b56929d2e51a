import { Counter, Gauge, Registry } from 'prom-client'
import type { Delivery } from '../api/agent-api.ts'
import type { StatusDocument } from '../api/status-document.ts'
import { METRICS, type MetricInput } from './metric-catalogue.ts'
import type { NodeContext } from './node-context.ts'

/** What `GET /metrics` answers. */
export interface MetricsText {
  readonly contentType: string
  readonly text: string
}

/** Counts the events of this process, and makes the answer to each scrape from what the parts know then. */
export function createMetrics(
  node: Pick<NodeContext, 'history' | 'notifier'>,
  status: () => StatusDocument,
): () => Promise<MetricsText> {
  const events = new Map<string, number>()
  node.history.onEntry(({ level }) => {
    events.set(level, (events.get(level) ?? 0) + 1)
  })
  return () => metricsText({ status: status(), deliveries: node.notifier.deliveries(), events })
}

/** The text of one scrape. A registry of its own: a label of the last scrape must not stay. */
export async function metricsText(
  input: Omit<MetricInput, 'deliveries'> & { readonly deliveries: readonly Delivery[] },
): Promise<MetricsText> {
  const registry = new Registry()
  for (const [name, { help, type, labels, read }] of Object.entries(METRICS)) {
    const samples = read(input)
    // The library would say 0 of what is not known.
    if (samples.length === 0) continue
    const options = { name, help, labelNames: [...labels], registers: [registry] }
    const metric = type === 'counter' ? new Counter(options) : new Gauge(options)
    for (const { value, ...labelled } of samples) metric.inc(labelled, value)
  }
  return { contentType: registry.contentType, text: await registry.metrics() }
}

import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { uptime } from 'node:os'
import { dirname, join } from 'node:path'

/** Beside the agent's socket: until when this server may serve, as seconds of `/proc/uptime`, which counts a suspend. */
export function serviceLeasePath({ socketPath }: { readonly socketPath: string }): string {
  return join(dirname(socketPath), 'service.lease')
}

export async function writeServiceLease(path: string, untilSeconds: number): Promise<void> {
  // Renamed, so that nobody reads half a number; not flushed, since it means nothing after a restart.
  await writeFile(`${path}.new`, `${untilSeconds.toFixed(2)}\n`)
  await rename(`${path}.new`, path)
}

export function endServiceLease(path: string): Promise<void> {
  return rm(path, { force: true })
}

/** How long this server may serve yet, in milliseconds; 0 when it may not. */
export async function serviceLeaseMs(path: string): Promise<number> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const until = /^\d+\.\d\d\n$/.test(text) ? Number(text) : 0
  return Math.max(0, Math.round((until - uptime()) * 1000))
}

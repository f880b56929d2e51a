import { chownSync } from 'node:fs'

export const NOBODY = 65_534

/** Does the work as a user whom file modes bind: root's own powers are laid down meanwhile, and `folder` is given away. */
export async function asOrdinaryUser(folder: string, work: () => Promise<void>): Promise<void> {
  if (process.geteuid?.() !== 0) return work()
  chownSync(folder, NOBODY, NOBODY)
  process.seteuid?.(NOBODY)
  try {
    await work()
  } finally {
    process.seteuid?.(0)
  }
}

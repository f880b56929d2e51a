import { InvalidArgumentError } from 'commander'

const ALL_LEVELS = ['information', 'warning', 'alert'] as const

/** `Name <mail>` (all levels) or `Name <mail>:warning,alert`; the agent checks address and levels. */
export function parseContact(text: string): Record<string, unknown> {
  const match = /^(.*)<([^<>]*)>(?::(.*))?$/su.exec(text.trim())
  if (match === null)
    throw new InvalidArgumentError("Write 'Name <mail>' or 'Name <mail>:warning,alert'.")
  const [, name = '', email = '', levels] = match
  return {
    name: name.trim(),
    email: email.trim(),
    levels: levels === undefined ? [...ALL_LEVELS] : levels.split(',').map((level) => level.trim()),
  }
}

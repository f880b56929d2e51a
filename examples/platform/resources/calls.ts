import { Router } from 'express'
import type { Knex } from 'knex'
import { PlatformError } from '../web/errors.ts'
import { requireRole } from '../web/guards.ts'

const DIRECTIONS = ['inbound', 'outbound', 'internal'] as const
const RESULTS = ['answered', 'no-answer', 'busy', 'failed'] as const
const NUMBER = /^\+?[0-9*#]{1,30}$/

interface Call {
  readonly caller: string
  readonly called: string
  readonly direction: string
  readonly result: string
  readonly duration_seconds: number
}

/** The newest call records. */
export function listCalls(db: Knex): Promise<readonly Record<string, unknown>[]> {
  return db<Record<string, unknown>>('call_records').orderBy('id', 'desc').limit(200)
}

/** What the telephony service writes at the end of a call. */
export function callsApi(db: Knex): Router {
  const router = Router()
  router.get('/', async (_request, response) => {
    response.json(await listCalls(db))
  })
  router.post('/', requireRole('operator'), async (request, response) => {
    const created = await db('call_records')
      .insert(readCall(request.body))
      .returning<readonly { id: string; call_id: string }[]>(['id', 'call_id'])
    response.status(201).json(created[0])
  })
  return router
}

function readCall(body: unknown): Call {
  const from = (body ?? {}) as Readonly<Record<string, unknown>>
  const problems: Record<string, string> = {}
  const text = (name: string, fits: (text: string) => boolean, message: string): string => {
    const value = from[name]
    if (typeof value === 'string' && fits(value)) return value
    problems[name] = message
    return ''
  }
  const isNumber = (value: string): boolean => NUMBER.test(value)
  const oneOf = (list: readonly string[]) => (value: string) => list.includes(value)
  const seconds = from['duration_seconds']
  if (!Number.isInteger(seconds) || Number(seconds) < 0 || Number(seconds) > 1_000_000)
    problems['duration_seconds'] = 'Send a whole number from 0 to 1000000.'
  const call = {
    caller: text('caller', isNumber, 'Send a number.'),
    called: text('called', isNumber, 'Send a number.'),
    direction: text('direction', oneOf(DIRECTIONS), `Send one of ${DIRECTIONS.join(', ')}.`),
    result: text('result', oneOf(RESULTS), `Send one of ${RESULTS.join(', ')}.`),
    duration_seconds: Number(seconds),
  }
  if (Object.keys(problems).length > 0)
    throw new PlatformError(422, 'Correct the fields that are named.', problems)
  return call
}

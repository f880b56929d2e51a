import { Router, type Request } from 'express'
import type { Knex } from 'knex'
import { PlatformError } from '../web/errors.ts'
import { requireRole } from '../web/guards.ts'
import { loadChoices } from './choices.ts'
import { type FrozenFields, frozenProblems } from './frozen.ts'
import { flatten, idOf } from './input.ts'
import type { Input, Resource } from './resource.ts'
import { listResource, loadResource, removeResource, saveResource } from './store.ts'
import { validate } from './validate.ts'

/** The same as the pages, as JSON. */
export function resourceApi(db: Knex, resource: Resource, frozenFields: FrozenFields): Router {
  const router = Router()
  const mayChange = requireRole(resource.role)

  const save = async (request: Request, id: number | null): Promise<number> => {
    const previous = id === null ? initial(resource) : await existing(id)
    const input = { ...previous, ...flatten(request.body) }
    const { values, ...checked } = validate(resource, input, await loadChoices(db, resource))
    const frozen = await frozenFields(request, resource)
    const problems = { ...checked.problems, ...frozenProblems(frozen, previous, input) }
    const found = Object.keys(problems).length > 0
    const result = found ? { problems } : await saveResource(db, resource, id, values)
    if ('id' in result) return result.id
    throw new PlatformError(422, 'Correct the fields that are named.', result.problems)
  }

  const existing = async (id: number): Promise<Input> => {
    const input = await loadResource(db, resource, id)
    if (input === null) throw new PlatformError(404, `There is no such ${resource.singular}.`)
    return input
  }

  router.get('/', async (_request, response) => {
    response.json(await listResource(db, resource))
  })
  router.get('/:id', async (request, response) => {
    response.json({ id: idOf(request), ...(await existing(idOf(request))) })
  })
  router.put('/:id', mayChange, async (request, response) => {
    response.json({ id: await save(request, idOf(request)) })
  })
  if (resource.single === true) return router
  router.post('/', mayChange, async (request, response) => {
    response.status(201).json({ id: await save(request, null) })
  })
  router.delete('/:id', mayChange, async (request, response) => {
    const stillUsed = await removeResource(db, resource, idOf(request))
    if (stillUsed !== null) throw new PlatformError(409, stillUsed)
    response.status(204).end()
  })
  return router
}

function initial(resource: Resource): Input {
  const input: Record<string, string> = {}
  for (const field of resource.fields) input[field.name] = field.initial ?? ''
  for (const field of resource.detail?.fields ?? [])
    input[`${resource.detail?.name}.${field.name}`] = field.initial ?? ''
  return input
}

import { Router, type Request, type Response } from 'express'
import type { Knex } from 'knex'
import { PlatformError } from '../web/errors.ts'
import { requireRole } from '../web/guards.ts'
import { mayAct, userOf } from '../web/session.ts'
import { loadChoices } from './choices.ts'
import { formView } from './form-view.ts'
import { type FrozenFields, frozenProblems } from './frozen.ts'
import { flatten, idOf } from './input.ts'
import type { Input, Problems, Resource } from './resource.ts'
import { listResource, loadResource, removeResource, saveResource } from './store.ts'
import { validate } from './validate.ts'

/** List, form and removal of one resource. */
export function resourcePages(db: Knex, resource: Resource, frozenFields: FrozenFields): Router {
  const router = Router()
  const mayChange = requireRole(resource.role)

  const showForm = async (
    request: Request,
    response: Response,
    id: number | null,
    input: Input | null,
    problems: Problems = {},
  ): Promise<void> => {
    const lists = await loadChoices(db, resource)
    const frozen = await frozenFields(request, resource)
    const form = formView(resource, input, lists, problems, frozen)
    const readOnly = !mayAct(userOf(request), resource.role)
    const wrong = Object.keys(problems).length
    response.status(wrong > 0 ? 422 : 200)
    response.render('form', {
      resource,
      form,
      id,
      readOnly,
      wrong,
      saved: 'saved' in request.query,
    })
  }

  const save = async (request: Request, response: Response, id: number | null): Promise<void> => {
    const input = flatten(request.body)
    const { values, ...checked } = validate(resource, input, await loadChoices(db, resource))
    const frozen = await frozenFields(request, resource)
    const stored = id === null ? input : await existing(id)
    const problems = { ...checked.problems, ...frozenProblems(frozen, stored, input) }
    const found = Object.keys(problems).length > 0
    const result = found ? { problems } : await saveResource(db, resource, id, values)
    if ('problems' in result) await showForm(request, response, id, input, result.problems)
    else response.redirect(303, resource.single === true ? '?saved' : `./${result.id}?saved`)
  }

  const existing = async (id: number): Promise<Input> => {
    const input = await loadResource(db, resource, id)
    if (input === null) throw new PlatformError(404, `There is no such ${resource.singular}.`)
    return input
  }

  if (resource.single === true) {
    router.get('/', async (request, response) => {
      await showForm(request, response, 1, await existing(1))
    })
    router.post('/', mayChange, (request, response) => save(request, response, 1))
    return router
  }

  router.get('/', async (request, response) => {
    const rows = await listResource(db, resource)
    const headings = resource.columns.map(
      (column) => resource.fields.find((field) => field.name === column)?.label ?? column,
    )
    const lines = rows.map((row) => ({
      id: row['id'],
      cells: resource.columns.map((column) => shown(row[column])),
    }))
    const mayAdd = mayAct(userOf(request), resource.role)
    response.render('list', { resource, headings, lines, mayAdd })
  })
  router.get('/new', mayChange, (request, response) => showForm(request, response, null, null))
  router.post('/new', mayChange, (request, response) => save(request, response, null))
  router.get('/:id', async (request, response) => {
    const id = idOf(request)
    await showForm(request, response, id, await existing(id))
  })
  router.post('/:id', mayChange, async (request, response) => {
    await existing(idOf(request))
    await save(request, response, idOf(request))
  })
  router.post('/:id/remove', mayChange, async (request, response) => {
    const stillUsed = await removeResource(db, resource, idOf(request))
    if (stillUsed !== null) throw new PlatformError(409, stillUsed)
    response.redirect(303, '../')
  })
  return router
}

function shown(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  return ''
}

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createGenerator, type SchemaGenerator } from 'ts-json-schema-generator'
import { z } from 'zod'
import { API_ROUTES } from '../plugin/agent/api-requests.ts'
import { OPERATIONS, type Operation } from './openapi-operations.ts'

const ROOT = join(import.meta.dirname, '..')

type Json = Readonly<Record<string, unknown>>

/**
 * The JSON API in OpenAPI 3.1. What a call takes is what the agent checks (its zod schemas), what it answers is what the
 * program's types say; nothing of it is written twice.
 */
export function openApiDocument(): Json {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly version: string
  }
  const generator = createGenerator({
    path: join(ROOT, 'scripts/openapi-answers.ts'),
    tsconfig: join(ROOT, 'tsconfig.json'),
    skipTypeCheck: true,
    additionalProperties: false,
  })
  const answers = [...OPERATIONS.map(({ answer }) => answer), 'ErrorAnswer']
  const schemas = Object.assign(
    {},
    ...answers.map((name) => definitionsOf(generator, name)),
  ) as Json
  return {
    openapi: '3.1.0',
    info: {
      title: 'pbx-hot-standby',
      version,
      description:
        'Below the mount of the plugin (by default /system/hot-standby), behind the platform’s own session. ' +
        'Sentences are English in every language of the pages.',
    },
    paths: Object.fromEntries(
      OPERATIONS.map((operation) => [operation.path, { [operation.method]: describe(operation) }]),
    ),
    components: { schemas: sortedByName(schemas) },
  }
}

function describe({ method, path, permission, summary, answer }: Operation): Json {
  const csrf = {
    name: 'x-hot-standby-csrf',
    in: 'header',
    required: true,
    description: 'From GET /api/csrf, with the cookie that came with it.',
    schema: { type: 'string' },
  }
  const input = inputOf(method, path)
  return {
    summary,
    'x-permission': permission,
    parameters: method === 'get' ? queryOf(input) : [csrf],
    ...(method === 'get'
      ? {}
      : { requestBody: { content: { 'application/json': { schema: input } } } }),
    responses: {
      200: { description: 'Done.', content: jsonOf(answer) },
      default: {
        description: 'An error with its code and remedy.',
        content: jsonOf('ErrorAnswer'),
      },
    },
  }
}

function jsonOf(name: string): Json {
  return { 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } }
}

/** What the agent takes; calls that the plugin answers itself take nothing. */
function inputOf(method: string, path: string): Json {
  const route = API_ROUTES.find(
    (each) => each.method.toLowerCase() === method && `/api${each.path}` === path,
  )
  if (route === undefined) return { type: 'object', properties: {}, additionalProperties: false }
  const schema = z.toJSONSchema(route.schema, { io: 'input', unrepresentable: 'any' }) as Json
  return Object.fromEntries(Object.entries(schema).filter(([name]) => name !== '$schema'))
}

function queryOf(input: Json): readonly Json[] {
  const properties = (input['properties'] ?? {}) as Json
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', schema }))
}

/** JSON Schema keeps them under another name than OpenAPI. */
function definitionsOf(generator: SchemaGenerator, name: string): Json {
  const text = JSON.stringify(generator.createSchema(name).definitions ?? {})
  return JSON.parse(text.replaceAll('"#/definitions/', '"#/components/schemas/')) as Json
}

function sortedByName(schemas: Json): Json {
  return Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)))
}

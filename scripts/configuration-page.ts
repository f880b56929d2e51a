import { z } from 'zod'
import { agentConfigSchema } from '../plugin/config/agent-config.ts'
import { CONFIGURATION_FIELDS } from './configuration-fields.ts'

interface JsonSchema {
  readonly type?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly items?: JsonSchema
  readonly enum?: readonly unknown[]
  readonly default?: unknown
  readonly additionalProperties?: JsonSchema | boolean
}

/** Every field of the configuration file, from the schema, with a sentence from CONFIGURATION_FIELDS. */
export function configurationPage(): string {
  const fields = schemaFields()
  const rows = fields.map(
    ({ path, type, standard }) =>
      `| \`${path}\` | ${type} | ${standard} | ${CONFIGURATION_FIELDS[path] ?? 'UNDOCUMENTED'} |`,
  )
  return `# Configuration file

\`hot-standby.config.json\` holds what belongs to the installation. It is strict JSON: an unknown or wrong field is refused, and every
wrong field is named with its value and a remedy. Relative paths are taken from the file's folder. What the administrator sets
(virtual IP, keep-alive interval, dead time, contacts …) is not here but on the page or with [\`hot-standby setup\`](cli.md).

Passwords are in files of their own (\`passwordFile\`), one line each, readable by the agent only.

| field | type | default | meaning |
| --- | --- | --- | --- |
${rows.join('\n')}
`
}

export interface SchemaField {
  readonly path: string
  readonly type: string
  readonly standard: string
}

/** The leaves of the schema, dots between levels and \`[]\` for the members of a list. */
export function schemaFields(): SchemaField[] {
  return leaves(z.toJSONSchema(agentConfigSchema, { io: 'input' }) as JsonSchema, '', [])
}

/** `optional` names the objects around this field that may be left out. */
function leaves(schema: JsonSchema, path: string, optional: readonly string[]): SchemaField[] {
  if (schema.items?.properties !== undefined)
    return leaves(schema.items, `${path}[]`, [...optional, path])
  if (schema.properties === undefined)
    return [{ path, type: typeName(schema), standard: standard(schema, path, optional) }]
  return Object.entries(schema.properties).flatMap(([name, child]) => {
    const childPath = path === '' ? name : `${path}.${name}`
    const mayMiss = schema.required?.includes(name) !== true
    return leaves(child, childPath, mayMiss ? [...optional, childPath] : optional)
  })
}

function typeName(schema: JsonSchema): string {
  if (schema.enum !== undefined)
    return schema.enum.map((value) => `\`${String(value)}\``).join(' or ')
  if (schema.type === 'array') return `list of ${schema.items?.type ?? 'string'}s`
  return schema.type ?? 'string'
}

function standard(schema: JsonSchema, path: string, optional: readonly string[]): string {
  if (schema.default !== undefined) return `\`${JSON.stringify(schema.default)}\``
  const nearest = optional.at(-1)
  if (nearest === path) return 'none'
  return nearest === undefined ? '**required**' : `required in \`${nearest}\``
}

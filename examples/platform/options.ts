import { readFileSync } from 'node:fs'
import { z } from 'zod'

const schema = z.strictObject({
  name: z.string().min(1).default('Example PBX'),
  listen: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port: z.int().min(0).max(65535).default(8080),
    })
    .prefault({}),
  databaseUrl: z.string().regex(/^postgres(ql)?:\/\//, 'must start with postgres://'),
  /** Where the hot standby agent of this server listens. */
  socketPath: z.string().min(1),
  /** Signs the session cookies. Each server has its own. */
  sessionSecret: z.string().min(32),
  /** Password of `admin`, `operator` and `viewer`, used when the database is new. */
  initialPassword: z.string().min(8).max(200),
  /** Token of an API client with the administrator's role, used when the database is new. */
  initialApiToken: z.string().min(24).optional(),
})

export type PlatformOptions = Readonly<z.infer<typeof schema>>

/** Reads the options from the JSON file named in the first argument, else from `PLATFORM_OPTIONS` (JSON). */
export function readPlatformOptions(
  argument: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): PlatformOptions {
  const text =
    argument === undefined ? environment['PLATFORM_OPTIONS'] : readFileSync(argument, 'utf8')
  if (text === undefined)
    throw new Error('Name a JSON file with the options, or give them in PLATFORM_OPTIONS.')
  const result = schema.safeParse(JSON.parse(text))
  if (result.success) return Object.freeze(result.data)
  const problems = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
  throw new Error(`The options are not valid: ${problems.join('; ')}`)
}

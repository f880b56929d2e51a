import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import { HotStandbyError } from '../errors.ts'
import { parseDatabaseUrl } from './database-url.ts'
import { toFieldProblems } from './field-problems.ts'
import { notificationsConfig } from './notifications-config.ts'
import { sqlName, tableName } from './sql-names.ts'
import { witnessConfig } from './witness-config.ts'
import { readRowCondition } from './row-condition.ts'

const command = z
  .array(z.string().min(1, 'is empty | Give the program and its arguments, one string each.'))
  .min(1, 'is empty | Give the program and its arguments, one string each.')
const port = z
  .int('is not a port number | Give a whole number from 1 to 65535.')
  .min(1, 'is not a port number | Give a whole number from 1 to 65535.')
  .max(65535, 'is not a port number | Give a whole number from 1 to 65535.')
const rowCondition = z
  .string("is not a condition | Write it as text: `owner = 'local'`.")
  .superRefine((condition, context) => {
    const { problem } = readRowCondition(condition)
    if (problem !== null) context.addIssue({ code: 'custom', message: problem })
  })

const URL_REMEDY = 'Write `postgres://role@host:port/database`.'
const databaseUrl = z
  .string(`is not a PostgreSQL connection | ${URL_REMEDY}`)
  .refine((url) => parseDatabaseUrl(url) !== null, `is not a PostgreSQL connection | ${URL_REMEDY}`)
  .refine((url) => parseDatabaseUrl(url)?.user !== '', `names no role | ${URL_REMEDY}`)
  .refine(
    (url) => parseDatabaseUrl(url)?.hasPassword !== true,
    'holds a password | Write the password into a file of its own, and name it in the field for it.',
  )

/** A cut is exact within one database; two would each be exact and not fit each other. */
const ONE_DATABASE = {
  message: 'names more than one database, and a pair replicates one',
  remedy:
    'Keep what must survive in schemas of one database, and name them in `database.replicatedSchemas`.',
}

const networkFacts = z.strictObject({
  interfaceName: z.string().min(1),
  address: z.union(
    [z.ipv4(), z.ipv6()],
    'is not an IP address | Give the address of the LAN interface.',
  ),
  prefixLength: z.int().min(1).max(128),
  family: z.enum(['ipv4', 'ipv6']),
  isStatic: z.boolean(),
  isDefault: z.boolean(),
  kind: z.enum(['lan', 'vpn', 'other']),
})

/** What the platform says of itself; also the form of what `platform.factsCommand` prints as JSON. */
export const platformFactsSchema = z.strictObject({
  productName: z.string().min(1, 'is empty | Give the product name.'),
  serialNumber: z.string().min(1, 'is empty | Give the serial number of this PBX.'),
  plan: z.string().min(1, 'is empty | Give the plan (the licence) of this PBX.'),
  firmwareVersion: z
    .string()
    .regex(/^\d+(\.\d+)*$/, 'is not a version | Write numbers with dots: `83.6.0.24`.'),
  minimumFirmwareVersion: z
    .string()
    .regex(/^\d+(\.\d+)*$/, 'is not a version | Write numbers with dots: `83.6.0.24`.')
    .default('0'),
  capacity: z.strictObject({ extensions: z.int().min(0), concurrentCalls: z.int().min(0) }),
  hostName: z.string().min(1).optional(),
  /** When absent, read from the kernel by interface name. */
  network: networkFacts.optional(),
})
export type PlatformFacts = z.infer<typeof platformFactsSchema>

/** The form of the configuration file; `docs/reference/configuration.md` is printed from it. */
export const agentConfigSchema = z.strictObject({
  /** Absolute, or relative to the configuration file. Mode 0700, one per agent. */
  stateDirectory: z.string().min(1, 'is empty | Give a directory that the agent owns.'),
  socketPath: z.string().min(1, 'is empty | Give the path of the unix socket.').optional(),
  listen: z
    .strictObject({
      address: z
        .union(
          [z.ipv4(), z.ipv6()],
          'is not an IP address | Give an address of this server, or 0.0.0.0.',
        )
        .default('0.0.0.0'),
      /** TCP (TLS) and UDP (heartbeats). */
      port: port.default(7421),
    })
    .prefault({}),
  database: z.strictObject(
    {
      /** The replicator's connection to the local database; no password here, see passwordFile. */
      url: databaseUrl,
      passwordFile: z.string().min(1).optional(),
      /** `hot-standby migrate` and `disable` connect as this one: the owner of the tables or a superuser. */
      ownerUrl: databaseUrl.optional(),
      ownerPasswordFile: z.string().min(1).optional(),
      /** Our own schema. */
      schema: sqlName.default('hot_standby'),
      replicatedSchemas: z
        .array(sqlName)
        .min(1, 'is empty | Name at least one schema.')
        .default(['public']),
      exclude: z
        .strictObject({
          /** Tables that belong to one server: address, licence, sessions. */
          tables: z.array(tableName).default([]),
          /** Table → columns that keep each server's own value. */
          columns: z.record(tableName, z.array(sqlName).min(1)).default({}),
          /** Table → SQL condition; rows for which it is true belong to one server. */
          rows: z.record(tableName, rowCondition).default({}),
        })
        .prefault({}),
      checkAt: z
        .string()
        .regex(
          /^(([01]\d|2[0-3]):[0-5]\d|never)$/,
          'is not a time of day | Write `03:00`, or `never`.',
        )
        .default('03:00'),
      journalCapBytes: z
        .int()
        .min(1_048_576, 'is too small | Give at least 1048576 (1 MiB).')
        .default(1_073_741_824),
    },
    {
      error: ({ input }) =>
        Array.isArray(input) ? `${ONE_DATABASE.message} | ${ONE_DATABASE.remedy}` : undefined,
    },
  ),
  network: z.strictObject({
    interface: z.string().min(1, 'is empty | Give the LAN interface, for example `eth0`.'),
    driver: z
      .enum(
        ['kernel', 'listener'],
        'is not a driver | Use `kernel`, or `listener` where no address may be added.',
      )
      .default('kernel'),
    /** Only for the driver `listener`: listen here in place of the virtual IP, where that address does not exist. */
    listenAddress: z
      .union([z.ipv4(), z.ipv6()], 'is not an IP address | Give an address of this machine.')
      .optional(),
    /** Only for the driver `listener`: ports of the virtual IP and where they lead. */
    forward: z
      .array(
        z.strictObject({
          port,
          to: z
            .string()
            .regex(/^[^:]+:\d+$/, 'is not host:port | Write `127.0.0.1:8080`.')
            .refine((to) => {
              const number = Number(to.split(':')[1])
              return number >= 1 && number <= 65_535
            }, 'has no port number behind the colon | Give a whole number from 1 to 65535.'),
        }),
      )
      .default([]),
  }),
  platform: z
    .strictObject({
      facts: platformFactsSchema.optional(),
      /** Prints the facts as JSON. */
      factsCommand: command.optional(),
    })
    .refine(
      (platform) => (platform.facts === undefined) !== (platform.factsCommand === undefined),
      'needs `facts` or `factsCommand` | Give one of the two.',
    ),
  failover: z
    .strictObject({
      /** The role may change by itself so often within an hour, on both servers together; then the administrator decides. */
      roleChangesPerHour: z
        .int('is not a whole number | Give a number from 1 to 100.')
        .min(1, 'is too small | Give a number from 1 to 100.')
        .max(100, 'is too large | Give a number from 1 to 100.')
        .default(6),
    })
    .prefault({}),
  witness: witnessConfig.optional(),
  services: z
    .strictObject({
      start: command.optional(),
      stop: command.optional(),
      /** Exit status 0: healthy. */
      health: command.optional(),
      /** Prints how many calls are active, as a whole number. */
      calls: command.optional(),
      healthIntervalMs: z.int().min(500).default(5000),
      timeoutMs: z.int().min(100).default(10_000),
    })
    .prefault({}),
  smtp: z
    .strictObject({
      host: z.string().min(1),
      port: port.default(587),
      /** TLS from the start; else STARTTLS when the server offers it. */
      secure: z.boolean().default(false),
      /** Refuse to send without TLS. */
      requireTls: z.boolean().default(false),
      user: z.string().min(1, 'is empty | Give a value, or leave the field out.').optional(),
      passwordFile: z
        .string()
        .min(1, 'is empty | Give a value, or leave the field out.')
        .optional(),
      /** PEM file of the authority that signed the mail server's certificate. */
      caFile: z.string().min(1, 'is empty | Give a value, or leave the field out.').optional(),
      /** False accepts any certificate: TLS then protects against listeners only. */
      verifyCertificate: z.boolean().default(true),
      from: z.email('is not an e-mail address | Give the sender address.'),
    })
    .optional(),
  notifications: notificationsConfig.prefault({}),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
})

export type AgentConfig = Readonly<Omit<z.infer<typeof agentConfigSchema>, 'socketPath'>> & {
  readonly socketPath: string
}

export const DEFAULT_CONFIG_PATH = 'hot-standby.config.json'

/** Reads, checks and completes the configuration file. Errors: HS_CONFIG_INVALID naming every wrong field. */
export function loadAgentConfig(path: string): AgentConfig {
  return parseAgentConfig(readJson(path), dirname(resolve(path)))
}

/** As `loadAgentConfig`, from an object; relative paths are taken from `folder`. */
export function parseAgentConfig(input: unknown, folder: string): AgentConfig {
  const result = agentConfigSchema.safeParse(input)
  if (!result.success) {
    const fields = toFieldProblems(result.error, input).map((problem) =>
      problem.field === 'databases' ? { ...problem, ...ONE_DATABASE } : problem,
    )
    throw new HotStandbyError('HS_CONFIG_INVALID', { fields })
  }
  return deepFreeze(withAbsolutePaths(result.data, folder))
}

/** The working directory means nothing: systemd, cron and an administrator start the same commands in different ones. */
function withAbsolutePaths(
  {
    database,
    services,
    platform,
    smtp,
    notifications,
    witness,
    ...config
  }: z.infer<typeof agentConfigSchema>,
  folder: string,
): AgentConfig {
  const path = (given: string | undefined): string | undefined =>
    given === undefined ? undefined : resolve(folder, given)
  // A program without a slash is looked for in PATH.
  const program = (given: string[] | undefined): string[] | undefined =>
    given?.map((part, index) => (index === 0 && part.includes('/') ? resolve(folder, part) : part))
  const stateDirectory = resolve(folder, config.stateDirectory)
  return {
    ...config,
    stateDirectory,
    socketPath: resolve(folder, config.socketPath ?? `${stateDirectory}/agent.sock`),
    database: {
      ...database,
      passwordFile: path(database.passwordFile),
      ownerPasswordFile: path(database.ownerPasswordFile),
    },
    services: {
      ...services,
      start: program(services.start),
      stop: program(services.stop),
      health: program(services.health),
    },
    witness: witness && {
      ...witness,
      passwordFile: path(witness.passwordFile),
      caFile: path(witness.caFile),
    },
    platform: { ...platform, factsCommand: program(platform.factsCommand) },
    notifications: {
      ...notifications,
      webhook: notifications.webhook && {
        ...notifications.webhook,
        secretFile: resolve(folder, notifications.webhook.secretFile),
        caFile: path(notifications.webhook.caFile),
      },
      syslog: notifications.syslog && {
        ...notifications.syslog,
        path: path(notifications.syslog.path),
      },
    },
    smtp:
      smtp === undefined
        ? undefined
        : { ...smtp, passwordFile: path(smtp.passwordFile), caFile: path(smtp.caFile) },
  }
}

function readJson(path: string): unknown {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    const remedy = 'Write the file, or name another one with --config.'
    throw new HotStandbyError(
      'HS_CONFIG_INVALID',
      { reason: `${path} cannot be read`, remedy },
      { cause },
    )
  }
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new HotStandbyError(
      'HS_CONFIG_INVALID',
      { reason: `${path} is not JSON: ${(cause as Error).message}` },
      { cause },
    )
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    Object.values(value).forEach(deepFreeze)
  }
  return value
}

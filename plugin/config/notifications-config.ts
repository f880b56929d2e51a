import { z } from 'zod'

const FACILITIES = ['daemon', 'local0', 'local1', 'local2', 'local3'] as const
const MORE_FACILITIES = ['local4', 'local5', 'local6', 'local7'] as const

const levels = z
  .array(
    z.enum(
      ['information', 'warning', 'alert'],
      'is not a level | Use `information`, `warning` or `alert`.',
    ),
  )
  .min(1, 'is empty | Name at least one level, or leave the channel out.')
  .default(['information', 'warning', 'alert'])

/** Ways of telling people and machines of events; what is secret is in files beside, never in here. */
export const notificationsConfig = z.strictObject({
  /** `platform`: the web process of the platform takes the mails and sends them itself. */
  mail: z.enum(['smtp', 'platform'], 'is not a sender | Use `smtp` or `platform`.').default('smtp'),
  webhook: z
    .strictObject({
      url: z
        .url({
          protocol: /^https?$/,
          error: 'is not an address | Write `https://monitoring.example.com/hot-standby`.',
        })
        .refine(
          (url) => URL.canParse(url) && new URL(url).username === '',
          'has a user name | Put the secret into secretFile; the signature proves who calls.',
        ),
      /** File with the secret that signs the calls. */
      secretFile: z.string().min(1, 'is empty | Name the file with the secret.'),
      /** PEM file of the authority that signed the certificate. */
      caFile: z.string().min(1).optional(),
      timeoutMs: z.int().min(100).max(60_000).default(10_000),
      levels,
    })
    .optional(),
  syslog: z
    .strictObject({
      transport: z
        .enum(['udp', 'tcp', 'unix'], 'is not a transport | Use `udp`, `tcp` or `unix`.')
        .default('udp'),
      host: z.string().min(1).optional(),
      port: z.int().min(1).max(65_535).default(514),
      /** Stream socket, for the transport `unix`. */
      path: z.string().min(1).optional(),
      facility: z.enum([...FACILITIES, ...MORE_FACILITIES]).default('daemon'),
      levels,
    })
    .refine(
      ({ transport, host, path }) => (transport === 'unix' ? path : host) !== undefined,
      'needs `host`, or `path` for the transport `unix` | Say where the receiver is.',
    )
    .optional(),
})

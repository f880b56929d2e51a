import { z } from 'zod'
import { parseIpAddress } from '../core/ip-address.ts'
import { notificationFields } from './notification-fields.ts'
import { columnName, tableName } from './sql-names.ts'

/** The fields of the settings, each by itself; messages are written `what is wrong | what to do`. */

const HOST_NAME =
  /^(?=.{1,253}$)[a-z\d]([a-z\d-]{0,61}[a-z\d])?(\.[a-z\d]([a-z\d-]{0,61}[a-z\d])?)*$/i
const WHOLE_NUMBER = /^(0|[1-9]\d{0,15})$/

export const ipAddress = z
  .string('is not an IP address | Write it like `192.168.1.10` or `fd00::10`.')
  .refine(
    (text) => parseIpAddress(text) !== null,
    'is not an IP address | Write it like `192.168.1.10` or `fd00::10`.',
  )

/** HTML forms send text: a number in its exact textual form counts as one, anything else does not. */
function wholeNumber(lowest: number, highest: number, what: string) {
  const message = `is not ${what} | Give a whole number from ${lowest} to ${highest}.`
  return z.preprocess(
    (value) => (typeof value === 'string' && WHOLE_NUMBER.test(value) ? Number(value) : value),
    z.int(message).min(lowest, message).max(highest, message),
  )
}

const yesOrNo = z.preprocess(
  (value) => (value === 'true' ? true : value === 'false' ? false : value),
  z.boolean('is neither yes nor no | Give true or false.'),
)

/** An empty form field means that nothing is given. */
function optional<Schema extends z.ZodType>(schema: Schema) {
  return z.preprocess((value) => (value === '' ? null : value), schema.nullable())
}

const contact = z.strictObject(
  {
    name: z
      .string('is missing | Give the name of the contact.')
      .min(1, 'is empty | Give the name of the contact.')
      .max(200, 'is too long | Give at most 200 characters.')
      .refine(
        (name) => !/\p{Cc}/u.test(name),
        'has control characters | Write the name in one line.',
      ),
    email: z.email('is not an e-mail address | Write it like `admin@example.com`.'),
    levels: z
      .array(
        z.enum(
          ['information', 'warning', 'alert'],
          'is not a level | Choose information, warning or alert.',
        ),
        'is not a list of levels | Choose information, warning or alert.',
      )
      .min(1, 'is empty | Choose at least one level, or remove the contact.'),
  },
  'is not a contact | Give name, email and levels.',
)

export const serverFields = {
  identity: z.enum(
    ['primary', 'secondary'],
    'is not an identity | Choose `primary` or `secondary`.',
  ),
  hostName: z
    .string('is missing | Give the name of this server.')
    .regex(HOST_NAME, 'is not a host name | Use letters, digits, hyphens and dots: `pbx-1`.'),
  networkInterface: z
    .string('is missing | Give the LAN interface, for example `eth0`.')
    .regex(
      /^[^\s/:]{1,15}$/,
      'is not an interface name | Give the LAN interface, for example `eth0`.',
    ),
  peerAddress: optional(ipAddress),
  peerPort: wholeNumber(1, 65_535, 'a port number'),
  expectedPeerSerialNumber: optional(
    z
      .string('is not a serial number | Give it as text, or leave it empty.')
      .regex(/^\S{1,100}$/, 'is not a serial number | Give it without spaces, or leave it empty.'),
  ),
}

export const virtualIpFields = {
  address: ipAddress,
  prefixLength: wholeNumber(1, 128, 'a prefix length'),
  gate: yesOrNo.optional(),
}

const MOST_EXCLUSIONS = 200
const TOO_MANY_EXCLUSIONS =
  'is too long | Give at most 200; leave a whole schema out by not replicating it.'

export const pairFields = {
  virtualIp: z.strictObject(
    virtualIpFields,
    'is missing | Give an unused address of the LAN subnet.',
  ),
  // Ranges and the law between the two times are one text for page and command line: see checkTiming.
  keepAliveIntervalMs: wholeNumber(0, 1_000_000_000, 'a time in milliseconds'),
  deadTimeMs: wholeNumber(0, 1_000_000_000, 'a time in milliseconds'),
  referenceAddresses: z
    .array(ipAddress, 'is not a list of addresses | Give at least one, normally the gateway.')
    .min(
      1,
      'is empty | Give at least one address of the LAN that always answers, normally the gateway.',
    )
    .max(8, 'is too long | Give at most 8 addresses.'),
  coldStartAlone: yesOrNo,
  contacts: z
    .array(contact, 'is not a list of contacts | Give name, email and levels of each.')
    .max(50, 'is too long | Give at most 50 contacts.'),
  exclude: z
    .strictObject(
      {
        tables: z
          .array(tableName, 'is not a list of tables | Write `table` or `schema.table`.')
          .max(MOST_EXCLUSIONS, TOO_MANY_EXCLUSIONS),
        columns: z
          .array(columnName, 'is not a list of columns | Write `table.column`.')
          .max(MOST_EXCLUSIONS, TOO_MANY_EXCLUSIONS),
      },
      'is not an object | Give tables and columns.',
    )
    .optional(),
  confirmSavesMs: optional(wholeNumber(100, 60_000, 'a time in milliseconds')).optional(),
  notifications: notificationFields,
}

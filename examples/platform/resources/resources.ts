import type { Field, Resource } from './resource.ts'

const number: Field = {
  name: 'number',
  label: 'Number',
  kind: 'text',
  required: true,
  pattern: /^\d{2,8}$/,
  patternMessage: 'Write 2 to 8 digits.',
}
const name: Field = { name: 'name', label: 'Name', kind: 'text', required: true, longest: 60 }
const trunk: Field = {
  name: 'trunk_id',
  label: 'Trunk',
  kind: 'reference',
  required: true,
  reference: { table: 'trunks', label: 'name' },
}
const phoneNumber = { pattern: /^\+?\d{3,20}$/, patternMessage: 'Write 3 to 20 digits.' }
const seconds = { kind: 'number', required: true, smallest: 1, largest: 300 } as const

const extensions: Resource = {
  path: 'extensions',
  title: 'Extensions',
  singular: 'extension',
  table: 'extensions',
  orderBy: 'number',
  columns: ['number', 'name', 'email', 'call_waiting'],
  role: 'operator',
  dialled: true,
  fields: [
    number,
    { name: 'name', label: 'Name', kind: 'text', required: true, longest: 80 },
    {
      name: 'email',
      label: 'E-mail',
      kind: 'text',
      longest: 200,
      pattern: /^[^@\s]+@[^@\s]+\.[^@\s]+$/,
      patternMessage: 'Write an address such as ann@example.com.',
    },
    { name: 'secret', label: 'Registration password', kind: 'secret', longest: 80 },
    { name: 'outbound_caller_id', label: 'Outbound caller ID', kind: 'text', ...phoneNumber },
    {
      name: 'concurrent_registrations',
      label: 'Concurrent registrations',
      kind: 'number',
      required: true,
      smallest: 1,
      largest: 10,
      initial: '1',
    },
    { name: 'call_waiting', label: 'Call waiting', kind: 'boolean', initial: 'on' },
  ],
  detail: {
    name: 'voicemail',
    title: 'Voicemail',
    table: 'voicemail_settings',
    key: 'extension_id',
    fields: [
      { name: 'enabled', label: 'Voicemail', kind: 'boolean', initial: 'on' },
      {
        name: 'pin',
        label: 'PIN',
        kind: 'text',
        required: true,
        pattern: /^\d{4,10}$/,
        patternMessage: 'Write 4 to 10 digits.',
        initial: '2580',
      },
      { name: 'send_email', label: 'Send messages by e-mail', kind: 'boolean' },
      { name: 'ring_seconds', label: 'Rings before (seconds)', initial: '20', ...seconds },
      { name: 'greeting', label: 'Greeting', kind: 'text', longest: 500 },
    ],
  },
}

const ringGroups: Resource = {
  path: 'ring-groups',
  title: 'Ring groups',
  singular: 'ring group',
  table: 'ring_groups',
  orderBy: 'number',
  columns: ['number', 'name', 'strategy', 'ring_seconds'],
  role: 'operator',
  dialled: true,
  fields: [
    number,
    name,
    {
      name: 'strategy',
      label: 'Strategy',
      kind: 'choice',
      required: true,
      choices: [
        { value: 'all', label: 'Ring all' },
        { value: 'in-order', label: 'In order' },
        { value: 'longest-idle', label: 'Longest idle first' },
      ],
    },
    { name: 'ring_seconds', label: 'Ring time (seconds)', initial: '30', ...seconds },
    {
      name: 'no_answer_destination',
      label: 'When nobody answers',
      kind: 'destination',
      required: true,
    },
  ],
  rows: {
    name: 'members',
    title: 'Members',
    table: 'ring_group_members',
    key: 'ring_group_id',
    orderBy: 'position',
    position: 'position',
    distinct: 'extension_id',
    fields: [
      {
        name: 'extension_id',
        label: 'Extension',
        kind: 'reference',
        required: true,
        reference: { table: 'extensions', label: 'number' },
      },
    ],
  },
}

const trunks: Resource = {
  path: 'trunks',
  title: 'Trunks',
  singular: 'trunk',
  table: 'trunks',
  orderBy: 'name',
  columns: ['name', 'host', 'port', 'transport', 'enabled'],
  role: 'administrator',
  fields: [
    name,
    {
      name: 'host',
      label: 'Host',
      kind: 'text',
      required: true,
      longest: 200,
      pattern: /^[A-Za-z0-9.:-]+$/,
      patternMessage: 'Write a host name or an IP address.',
    },
    {
      name: 'port',
      label: 'Port',
      kind: 'number',
      required: true,
      smallest: 1,
      largest: 65535,
      initial: '5060',
    },
    {
      name: 'transport',
      label: 'Transport',
      kind: 'choice',
      required: true,
      choices: ['udp', 'tcp', 'tls'].map((value) => ({ value, label: value.toUpperCase() })),
    },
    { name: 'user_name', label: 'User name', kind: 'text', longest: 80 },
    { name: 'secret', label: 'Password', kind: 'secret', longest: 80 },
    {
      name: 'channels',
      label: 'Channels',
      kind: 'number',
      required: true,
      smallest: 1,
      largest: 2000,
      initial: '30',
    },
    { name: 'enabled', label: 'Enabled', kind: 'boolean', initial: 'on' },
  ],
}

const inboundRoutes: Resource = {
  path: 'inbound-routes',
  title: 'Inbound routes',
  singular: 'inbound route',
  table: 'inbound_routes',
  orderBy: 'name',
  columns: ['name', 'called_number', 'caller_number', 'destination'],
  role: 'administrator',
  fields: [
    name,
    trunk,
    { name: 'called_number', label: 'Called number', kind: 'text', ...phoneNumber },
    { name: 'caller_number', label: 'Caller number', kind: 'text', ...phoneNumber },
    { name: 'destination', label: 'Destination', kind: 'destination', required: true },
  ],
}

const outboundRoutes: Resource = {
  path: 'outbound-routes',
  title: 'Outbound routes',
  singular: 'outbound route',
  table: 'outbound_routes',
  orderBy: 'priority',
  columns: ['priority', 'name', 'dial_pattern', 'strip_digits', 'prepend_digits'],
  role: 'administrator',
  fields: [
    name,
    {
      name: 'priority',
      label: 'Priority',
      kind: 'number',
      required: true,
      smallest: 1,
      largest: 999,
      initial: '10',
    },
    {
      name: 'dial_pattern',
      label: 'Dial pattern',
      kind: 'text',
      required: true,
      help: 'Digits, X for 0 to 9, N for 2 to 9, a dot for anything that follows.',
      pattern: /^[0-9XNZ*#+]{1,28}\.?$/,
      patternMessage: 'Use digits, X, N, Z, *, #, + and a dot at the end.',
    },
    {
      name: 'strip_digits',
      label: 'Strip digits',
      kind: 'number',
      required: true,
      smallest: 0,
      largest: 20,
      initial: '0',
    },
    {
      name: 'prepend_digits',
      label: 'Prepend',
      kind: 'text',
      pattern: /^\+?[0-9*#]{1,19}$/,
      patternMessage: 'Write digits.',
    },
    trunk,
  ],
}

const ivrMenus: Resource = {
  path: 'ivr-menus',
  title: 'IVR menus',
  singular: 'IVR menu',
  table: 'ivr_menus',
  orderBy: 'number',
  columns: ['number', 'name', 'prompt', 'timeout_seconds'],
  role: 'administrator',
  dialled: true,
  fields: [
    number,
    name,
    { name: 'prompt', label: 'Prompt', kind: 'text', required: true, longest: 200 },
    { name: 'timeout_seconds', label: 'Timeout (seconds)', initial: '5', ...seconds },
    { name: 'timeout_destination', label: 'On timeout', kind: 'destination', required: true },
  ],
  rows: {
    name: 'keys',
    title: 'Keys',
    table: 'ivr_keys',
    key: 'ivr_menu_id',
    orderBy: 'key',
    distinct: 'key',
    fields: [
      {
        name: 'key',
        label: 'Key',
        kind: 'text',
        required: true,
        pattern: /^[0-9*#]$/,
        patternMessage: 'Write one of 0 to 9, * or #.',
      },
      { name: 'destination', label: 'Destination', kind: 'destination', required: true },
    ],
  },
}

const time = { pattern: /^([01]\d|2[0-3]):[0-5]\d$/, patternMessage: 'Write a time: 08:30.' }
const timeConditions: Resource = {
  path: 'time-conditions',
  title: 'Time conditions',
  singular: 'time condition',
  table: 'time_conditions',
  orderBy: 'name',
  columns: ['name', 'match_destination', 'else_destination'],
  role: 'administrator',
  fields: [
    name,
    { name: 'match_destination', label: 'In these times', kind: 'destination', required: true },
    { name: 'else_destination', label: 'Otherwise', kind: 'destination', required: true },
  ],
  rows: {
    name: 'ranges',
    title: 'Times',
    table: 'time_condition_ranges',
    key: 'time_condition_id',
    orderBy: 'id',
    fields: [
      {
        name: 'days',
        label: 'Days',
        kind: 'choice',
        required: true,
        choices: [
          { value: 'mon-fri', label: 'Monday to Friday' },
          { value: 'sat', label: 'Saturday' },
          { value: 'sun', label: 'Sunday' },
          { value: 'daily', label: 'Every day' },
        ],
      },
      { name: 'from_time', label: 'From', kind: 'text', required: true, ...time },
      { name: 'to_time', label: 'To', kind: 'text', required: true, ...time },
    ],
  },
}

const address = { pattern: /^[0-9a-fA-F.:]{3,45}$/, patternMessage: 'Write an IP address.' }
const systemSettings: Resource = {
  path: 'system-settings',
  title: 'System settings',
  singular: 'system settings',
  table: 'system_settings',
  orderBy: 'id',
  columns: [],
  role: 'administrator',
  single: true,
  fields: [
    { name: 'company', label: 'Company', kind: 'text', required: true, longest: 100 },
    {
      name: 'time_zone',
      label: 'Time zone',
      kind: 'text',
      required: true,
      longest: 60,
      pattern: /^[A-Za-z]+(\/[A-Za-z0-9_+-]+)*$/,
      patternMessage: 'Write a time zone such as Europe/Berlin.',
    },
    {
      name: 'language',
      label: 'Language of prompts',
      kind: 'choice',
      required: true,
      choices: [
        { value: 'en', label: 'English' },
        { value: 'de', label: 'Deutsch' },
        { value: 'fr', label: 'Français' },
        { value: 'zh', label: '中文' },
      ],
    },
    {
      name: 'recording_days',
      label: 'Keep recordings (days)',
      kind: 'number',
      required: true,
      smallest: 1,
      largest: 3650,
    },
    {
      name: 'longest_call_minutes',
      label: 'Longest call (minutes)',
      kind: 'number',
      required: true,
      smallest: 1,
      largest: 1440,
    },
  ],
}

const networkSettings: Resource = {
  path: 'network-settings',
  title: 'Network settings',
  singular: 'network settings',
  table: 'network_settings',
  orderBy: 'id',
  columns: [],
  role: 'administrator',
  single: true,
  fields: [
    {
      name: 'host_name',
      frozenAs: 'hostName',
      label: 'Host name',
      kind: 'text',
      required: true,
      pattern: /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/,
      patternMessage: 'Write letters, digits and hyphens, 63 at most.',
    },
    {
      name: 'address',
      label: 'Address',
      kind: 'text',
      frozenAs: 'address',
      required: true,
      ...address,
    },
    {
      name: 'prefix_length',
      frozenAs: 'prefixLength',
      label: 'Prefix length',
      kind: 'number',
      required: true,
      smallest: 1,
      largest: 128,
    },
    { name: 'gateway', label: 'Gateway', kind: 'text', ...address },
    { name: 'dns_server', label: 'DNS server', kind: 'text', ...address },
  ],
}

/** What an administrator configures, in the order of the menu. */
export const CONFIGURATION: readonly Resource[] = [
  extensions,
  ringGroups,
  trunks,
  inboundRoutes,
  outboundRoutes,
  ivrMenus,
  timeConditions,
]

/** What stands in the System menu. */
export const SYSTEM: readonly Resource[] = [systemSettings, networkSettings]

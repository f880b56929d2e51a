import type { Knex } from 'knex'

/** The tables of the PBX, as a firmware would ship them. */
export async function up(knex: Knex): Promise<void> {
  await createAccess(knex)
  await createExtensions(knex)
  await createRouting(knex)
  await createMenus(knex)
  await createSystem(knex)
}

export async function down(knex: Knex): Promise<void> {
  const tables = [
    'call_records',
    'network_settings',
    'system_settings',
    'time_condition_ranges',
    'time_conditions',
    'ivr_keys',
    'ivr_menus',
    'outbound_routes',
    'inbound_routes',
    'trunks',
    'ring_group_members',
    'ring_groups',
    'voicemail_settings',
    'extensions',
    'sessions',
    'api_tokens',
    'users',
  ]
  for (const table of tables) await knex.schema.dropTable(table)
}

async function createAccess(knex: Knex): Promise<void> {
  await knex.schema.createTable('users', (table) => {
    table.increments('id')
    table.string('name', 60).notNullable().unique()
    table.text('password_hash').notNullable()
    table.enu('role', ['administrator', 'operator', 'viewer']).notNullable()
    table.timestamp('password_changed_at').notNullable().defaultTo(knex.fn.now())
  })
  await knex.schema.createTable('api_tokens', (table) => {
    table.increments('id')
    table.string('name', 60).notNullable().unique()
    table.string('token_hash', 64).notNullable().unique()
    table.enu('role', ['administrator', 'operator', 'viewer']).notNullable()
  })
  // The form that connect-pg-simple expects; sessions belong to one server.
  await knex.schema.createTable('sessions', (table) => {
    table.string('sid').primary()
    table.json('sess').notNullable()
    table.timestamp('expire', { precision: 6 }).notNullable().index()
  })
}

async function createExtensions(knex: Knex): Promise<void> {
  await knex.schema.createTable('extensions', (table) => {
    table.increments('id')
    table.string('number', 8).notNullable().unique()
    table.string('name', 80).notNullable()
    table.string('email', 200)
    table.string('secret', 80).notNullable()
    table.string('outbound_caller_id', 20)
    table.integer('concurrent_registrations').notNullable().defaultTo(1)
    table.boolean('call_waiting').notNullable().defaultTo(true)
    table.timestamp('changed_at').notNullable().defaultTo(knex.fn.now())
  })
  await knex.schema.createTable('voicemail_settings', (table) => {
    table.integer('extension_id').primary().references('extensions.id').onDelete('CASCADE')
    table.boolean('enabled').notNullable().defaultTo(true)
    table.string('pin', 10).notNullable()
    table.boolean('send_email').notNullable().defaultTo(false)
    table.integer('ring_seconds').notNullable().defaultTo(20)
    table.text('greeting')
  })
  await knex.schema.createTable('ring_groups', (table) => {
    table.increments('id')
    table.string('number', 8).notNullable().unique()
    table.string('name', 80).notNullable()
    table.string('strategy', 20).notNullable()
    table.integer('ring_seconds').notNullable().defaultTo(30)
    table.string('no_answer_destination', 40).notNullable().defaultTo('hangup')
  })
  await knex.schema.createTable('ring_group_members', (table) => {
    table.integer('ring_group_id').notNullable().references('ring_groups.id').onDelete('CASCADE')
    table.integer('extension_id').notNullable().references('extensions.id')
    table.integer('position').notNullable()
    table.primary(['ring_group_id', 'extension_id'])
  })
}

async function createRouting(knex: Knex): Promise<void> {
  await knex.schema.createTable('trunks', (table) => {
    table.increments('id')
    table.string('name', 60).notNullable().unique()
    table.string('host', 200).notNullable()
    table.integer('port').notNullable().defaultTo(5060)
    table.string('transport', 5).notNullable().defaultTo('udp')
    table.string('user_name', 80)
    table.string('secret', 80)
    table.integer('channels').notNullable().defaultTo(30)
    table.boolean('enabled').notNullable().defaultTo(true)
  })
  await knex.schema.createTable('inbound_routes', (table) => {
    table.increments('id')
    table.string('name', 60).notNullable().unique()
    table.integer('trunk_id').notNullable().references('trunks.id')
    table.string('called_number', 30)
    table.string('caller_number', 30)
    table.string('destination', 40).notNullable()
  })
  await knex.schema.createTable('outbound_routes', (table) => {
    table.increments('id')
    table.string('name', 60).notNullable().unique()
    table.integer('priority').notNullable().defaultTo(10)
    table.string('dial_pattern', 30).notNullable()
    table.integer('strip_digits').notNullable().defaultTo(0)
    table.string('prepend_digits', 20)
    table.integer('trunk_id').notNullable().references('trunks.id')
  })
}

async function createMenus(knex: Knex): Promise<void> {
  await knex.schema.createTable('ivr_menus', (table) => {
    table.increments('id')
    table.string('number', 8).notNullable().unique()
    table.string('name', 80).notNullable()
    table.string('prompt', 200).notNullable()
    table.integer('timeout_seconds').notNullable().defaultTo(5)
    table.string('timeout_destination', 40).notNullable().defaultTo('hangup')
  })
  await knex.schema.createTable('ivr_keys', (table) => {
    table.integer('ivr_menu_id').notNullable().references('ivr_menus.id').onDelete('CASCADE')
    table.string('key', 1).notNullable()
    table.string('destination', 40).notNullable()
    table.primary(['ivr_menu_id', 'key'])
  })
  await knex.schema.createTable('time_conditions', (table) => {
    table.increments('id')
    table.string('name', 60).notNullable().unique()
    table.string('match_destination', 40).notNullable()
    table.string('else_destination', 40).notNullable()
  })
  await knex.schema.createTable('time_condition_ranges', (table) => {
    table.increments('id')
    table
      .integer('time_condition_id')
      .notNullable()
      .references('time_conditions.id')
      .onDelete('CASCADE')
    table.string('days', 10).notNullable()
    table.time('from_time').notNullable()
    table.time('to_time').notNullable()
  })
}

async function createSystem(knex: Knex): Promise<void> {
  await knex.schema.createTable('system_settings', (table) => {
    table.integer('id').primary()
    table.string('company', 100).notNullable()
    table.string('time_zone', 60).notNullable()
    table.string('language', 5).notNullable()
    table.integer('recording_days').notNullable()
    table.integer('longest_call_minutes').notNullable()
    table.check('id = 1', undefined, 'system_settings_one_row')
  })
  // Belongs to one server: never replicated.
  await knex.schema.createTable('network_settings', (table) => {
    table.integer('id').primary()
    table.string('host_name', 63).notNullable()
    table.string('address', 45).notNullable()
    table.integer('prefix_length').notNullable()
    table.string('gateway', 45)
    table.string('dns_server', 45)
    table.check('id = 1', undefined, 'network_settings_one_row')
  })
  await knex.schema.createTable('call_records', (table) => {
    table.bigIncrements('id')
    table.uuid('call_id').notNullable().unique().defaultTo(knex.raw('gen_random_uuid()'))
    table.timestamp('started_at').notNullable().defaultTo(knex.fn.now()).index()
    table.integer('duration_seconds').notNullable()
    table.string('caller', 30).notNullable()
    table.string('called', 30).notNullable()
    table.string('direction', 10).notNullable()
    table.string('result', 12).notNullable()
  })
}

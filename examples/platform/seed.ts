import { randomBytes } from 'node:crypto'
import type { Knex } from 'knex'
import type { PlatformOptions } from './options.ts'
import { hashPassword, hashToken } from './web/passwords.ts'

/** What a new PBX comes with: three users, a few extensions and the way calls go. */
export async function seed(db: Knex, options: PlatformOptions): Promise<void> {
  await db.transaction(async (transaction) => {
    await seedAccess(transaction, options)
    await seedExtensions(transaction)
    await seedRouting(transaction)
    await seedSystem(transaction, options)
  })
}

async function seedAccess(db: Knex.Transaction, options: PlatformOptions): Promise<void> {
  for (const [name, role] of [
    ['admin', 'administrator'],
    ['operator', 'operator'],
    ['viewer', 'viewer'],
  ])
    await db('users').insert({
      name,
      role,
      password_hash: await hashPassword(options.initialPassword),
    })
  if (options.initialApiToken !== undefined)
    await db('api_tokens').insert({
      name: 'telephony service',
      role: 'administrator',
      token_hash: hashToken(options.initialApiToken),
    })
}

async function seedExtensions(db: Knex.Transaction): Promise<void> {
  const people = ['Ann Archer', 'Ben Baker', 'Cleo Cooper', 'Dan Draper', 'Eve Fisher']
  for (const [index, name] of people.entries()) {
    const [extension] = await db('extensions')
      .insert({
        number: String(1001 + index),
        name,
        email: `${name.split(' ')[0]?.toLowerCase()}@example.com`,
        secret: randomBytes(15).toString('base64url'),
      })
      .returning<{ id: number }[]>('id')
    await db('voicemail_settings').insert({ extension_id: extension?.id, pin: '2580' })
  }
  const [group] = await db('ring_groups')
    .insert({ number: '6200', name: 'Reception', strategy: 'all' })
    .returning<{ id: number }[]>('id')
  const members = await db<{ id: number }>('extensions').orderBy('number').limit(3)
  await db('ring_group_members').insert(
    members.map((member, index) => ({
      ring_group_id: group?.id,
      extension_id: member.id,
      position: index + 1,
    })),
  )
}

async function seedRouting(db: Knex.Transaction): Promise<void> {
  const [trunk] = await db('trunks')
    .insert({ name: 'Carrier', host: 'sip.example.net', transport: 'tls', port: 5061 })
    .returning<{ id: number }[]>('id')
  const [menu] = await db('ivr_menus')
    .insert({ number: '6500', name: 'Welcome', prompt: 'welcome.wav' })
    .returning<{ id: number }[]>('id')
  await db('ivr_keys').insert([
    { ivr_menu_id: menu?.id, key: '0', destination: 'ring-group:6200' },
    { ivr_menu_id: menu?.id, key: '1', destination: 'extension:1001' },
  ])
  const [hours] = await db('time_conditions')
    .insert({
      name: 'Business hours',
      match_destination: 'ivr:6500',
      else_destination: 'voicemail:1001',
    })
    .returning<{ id: number }[]>('id')
  await db('time_condition_ranges').insert({
    time_condition_id: hours?.id,
    days: 'mon-fri',
    from_time: '08:00',
    to_time: '18:00',
  })
  await db('inbound_routes').insert({
    name: 'Main number',
    trunk_id: trunk?.id,
    called_number: '+493012345',
    destination: `time-condition:${hours?.id}`,
  })
  await db('outbound_routes').insert({
    name: 'Everything out',
    trunk_id: trunk?.id,
    dial_pattern: '0X.',
    strip_digits: 1,
  })
}

async function seedSystem(db: Knex.Transaction, options: PlatformOptions): Promise<void> {
  await db('system_settings').insert({
    id: 1,
    company: 'Example Company',
    time_zone: 'Europe/Berlin',
    language: 'en',
    recording_days: 90,
    longest_call_minutes: 120,
  })
  await db('network_settings').insert({
    id: 1,
    host_name: options.name.replaceAll(/[^A-Za-z0-9]+/g, '-').replaceAll(/^-|-$/g, '') || 'pbx',
    address: options.listen.host,
    prefix_length: 24,
  })
}

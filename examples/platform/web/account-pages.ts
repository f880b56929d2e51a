import { Router } from 'express'
import type { Knex } from 'knex'
import { PlatformError } from './errors.ts'
import { checkCsrf, csrfToken, requireUser } from './guards.ts'
import { hashPassword, passwordMatches } from './passwords.ts'
import { userOf, type Role } from './session.ts'

interface UserRow {
  readonly name: string
  readonly password_hash: string
  readonly role: Role
}

/** Log-in, log-out and the user's own password. */
export function accountPages(db: Knex): Router {
  const router = Router()
  const findUser = (name: string): Promise<UserRow | undefined> =>
    db<UserRow>('users').where({ name }).first()

  router.get('/login', (request, response) => {
    response.render('login', { csrf: csrfToken(request), to: localPath(request.query['to']) })
  })

  router.post('/login', checkCsrf, async (request, response) => {
    const { name, password, to } = texts(request.body)
    const user = await findUser(name)
    // An unknown name takes as long as a wrong password.
    const stored = user?.password_hash ?? (await unknownUserHash)
    const matches = await passwordMatches(password, stored)
    if (user === undefined || !matches) {
      const problem = 'The name or the password is wrong.'
      const page = { csrf: csrfToken(request), to: localPath(to), name, problem }
      response.status(401).render('login', page)
      return
    }
    // A new session id, so that one planted before the log-in is worth nothing.
    await new Promise<void>((resolve, reject) =>
      request.session.regenerate((error: unknown) =>
        error instanceof Error ? reject(error) : resolve(),
      ),
    )
    request.session.user = { name: user.name, role: user.role }
    // The redirect's head leaves at once: a browser that follows it must find the session stored.
    await new Promise<void>((resolve, reject) =>
      request.session.save((error: unknown) =>
        error instanceof Error ? reject(error) : resolve(),
      ),
    )
    response.redirect(303, localPath(to))
  })

  router.post('/logout', checkCsrf, (request, response, next) => {
    request.session.destroy((error: unknown) => {
      if (error !== undefined && error !== null) next(error)
      else response.redirect(303, '/login')
    })
  })

  router.get('/account/password', requireUser, (_request, response) => {
    response.render('password', {})
  })

  router.post('/account/password', requireUser, checkCsrf, async (request, response) => {
    const { current, password, again } = texts(request.body)
    const user = await findUser(userOf(request)?.name ?? '')
    if (user === undefined) throw new PlatformError(409, 'Only users can have a password.')
    const problems: Record<string, string> = {}
    if (!(await passwordMatches(current, user.password_hash)))
      problems['current'] = 'This is not your password.'
    if (password.length < 8 || password.length > 200)
      problems['password'] = 'Write 8 to 200 characters.'
    if (again !== password) problems['again'] = 'This is not the same as above.'
    if (Object.keys(problems).length > 0) {
      response.status(422).render('password', { problems })
      return
    }
    const change = {
      password_hash: await hashPassword(password),
      password_changed_at: db.fn.now(),
    }
    await db('users').where({ name: user.name }).update(change)
    response.render('password', { done: true })
  })
  return router
}

const unknownUserHash = hashPassword('nobody has this password')

type Text = 'name' | 'password' | 'to' | 'current' | 'again'

function texts(body: unknown): Readonly<Record<Text, string>> {
  const from = (body ?? {}) as Readonly<Record<string, unknown>>
  const text = (name: Text): string => (typeof from[name] === 'string' ? from[name] : '')
  return {
    name: text('name'),
    password: text('password'),
    to: text('to'),
    current: text('current'),
    again: text('again'),
  }
}

/** Only a path of this site: `//other.example` would lead elsewhere. */
function localPath(to: unknown): string {
  return typeof to === 'string' && /^\/(?![/\\])[\x21-\x7e]*$/.test(to) ? to : '/'
}

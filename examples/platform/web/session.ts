import connectPgSimple from 'connect-pg-simple'
import type { Request, RequestHandler } from 'express'
import session from 'express-session'
import type { Knex } from 'knex'
import pg from 'pg'
import { hashToken } from './passwords.ts'

export type Role = 'administrator' | 'operator' | 'viewer'

export interface User {
  readonly name: string
  readonly role: Role
}

declare module 'express-session' {
  interface SessionData {
    user: User
    csrf: string
  }
}

const RANK: Readonly<Record<Role, number>> = { viewer: 0, operator: 1, administrator: 2 }

/** Who asks: the session's user, or the client that an API token belongs to. */
export function userOf(request: Request): User | null {
  return (request as { apiUser?: User }).apiUser ?? request.session?.user ?? null
}

export function mayAct(user: User | null, role: Role): boolean {
  return user !== null && RANK[user.role] >= RANK[role]
}

/** The session store has its own small pool, as connect-pg-simple wants one. */
export function createSessions(options: {
  readonly databaseUrl: string
  readonly secret: string
}): { readonly middleware: RequestHandler; close(): Promise<void> } {
  const pool = new pg.Pool({ connectionString: options.databaseUrl, max: 4 })
  // An idle client that loses its server must not end the process.
  pool.on('error', () => undefined)
  const Store = connectPgSimple(session)
  const store = new Store({
    pool,
    tableName: 'sessions',
    pruneSessionInterval: 15 * 60,
    // A store that cannot prune while the database is away says so and tries again.
    errorLog: () => undefined,
  })
  const middleware = session({
    store,
    secret: options.secret,
    name: 'pbx.sid',
    resave: false,
    saveUninitialized: false,
    cookie: { httpOnly: true, sameSite: 'lax', secure: 'auto', maxAge: 8 * 60 * 60 * 1000 },
  })
  const close = async (): Promise<void> => {
    store.close()
    await pool.end()
  }
  return { middleware, close }
}

/** `Authorization: Bearer TOKEN` stands for a session in the API. */
export function apiTokens(db: Knex): RequestHandler {
  return async (request, _response, next) => {
    const token = /^Bearer ([\w.~+/-]{24,200})$/.exec(request.get('authorization') ?? '')?.[1]
    if (token !== undefined) {
      const found = await db<User & { token_hash: string }>('api_tokens')
        .where({ token_hash: hashToken(token) })
        .first('name', 'role')
      if (found !== undefined) Object.assign(request, { apiUser: found })
    }
    next()
  }
}

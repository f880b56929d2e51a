interface ErrorDefinition {
  /** HTTP status that a route answers with. */
  readonly status: number
  /** What is wrong, in one sentence for an administrator. */
  readonly message: string
  /** What to do about it. */
  readonly remedy: string
}

/** Every error that this package raises on purpose. Documented in `docs/reference/errors.md`. */
export const ERRORS = {
  HS_CONFIG_INVALID: {
    status: 500,
    message: 'The hot standby options are not valid',
    remedy: 'Correct the fields that are named.',
  },
  HS_SETTINGS_INVALID: {
    status: 422,
    message: 'The settings are not valid',
    remedy: 'Correct the fields that are named; nothing was saved.',
  },
  HS_REQUEST_INVALID: {
    status: 400,
    message: 'The request is not valid',
    remedy: 'Correct the fields that are named.',
  },
  HS_NOT_FOUND: {
    status: 404,
    message: 'There is nothing at this address',
    remedy: 'Check the address.',
  },
  HS_FORBIDDEN: {
    status: 403,
    message: 'You may not do this',
    remedy: 'Log in with a role that has the permission.',
  },
  HS_CSRF: {
    status: 403,
    message: 'The form is out of date',
    remedy: 'Reload the page and send it again.',
  },
  HS_CONFIG_LOCKED: {
    status: 423,
    message: 'Configuration is locked on this server',
    remedy: 'Change the configuration on the active server.',
  },
  HS_AGENT_UNREACHABLE: {
    status: 503,
    message: 'The hot standby agent does not answer',
    remedy: 'Start it: `systemctl start hot-standby-agent`, then look at its log.',
  },
  HS_AGENT_RUNNING: {
    status: 409,
    message: 'Another agent already runs with this state directory',
    remedy: 'Stop the other agent, or give this one its own state directory.',
  },
  HS_STATE_UNREADABLE: {
    status: 500,
    message: 'The state directory cannot be used',
    remedy: 'Make it a directory that the agent can read and write, with mode 0700.',
  },
  HS_DATABASE_UNREACHABLE: {
    status: 503,
    message: 'The database cannot be reached',
    remedy: 'Check that PostgreSQL runs and that the configured connection is right.',
  },
  HS_DATABASE_NOT_MIGRATED: {
    status: 503,
    message: 'The database has no hot standby schema, or an older one',
    remedy: 'Run `hot-standby migrate`.',
  },
  HS_DATABASE_FOREIGN: {
    status: 409,
    message: 'The database belongs to another hot standby pair or server',
    remedy:
      'Connect the right database, or run `hot-standby disable` on it and set the pair up again.',
  },
  HS_DATABASE_RIGHTS: {
    status: 503,
    message: 'The database role lacks rights that the hot standby needs',
    remedy: 'Run the statements that `hot-standby doctor` prints.',
  },
  HS_DATABASE_UNSUPPORTED: {
    status: 503,
    message: 'This PostgreSQL server cannot be used',
    remedy: 'Use a writable PostgreSQL 15 to 18 through a direct connection.',
  },
  HS_DATABASE_REFUSED: {
    status: 500,
    message: 'PostgreSQL refused a statement',
    remedy:
      'Mend what PostgreSQL names and run the command again; what it had begun is undone or completed then.',
  },
  HS_CONFIRMATION_NEEDED: {
    status: 409,
    message: 'This must be confirmed',
    remedy: 'Confirm it as the reason says; nothing was changed.',
  },
  HS_NOT_SET_UP: {
    status: 409,
    message: 'This server is not set up for hot standby',
    remedy: 'Set it up: `hot-standby setup primary` or `hot-standby setup secondary`.',
  },
  HS_NOT_PAIRED: {
    status: 409,
    message: 'This server is not paired',
    remedy:
      'Pair it: `hot-standby access-code` on the primary, `hot-standby join` on the secondary.',
  },
  HS_ALREADY_PAIRED: {
    status: 409,
    message: 'This server is already paired',
    remedy: 'Run `hot-standby disable` first if it shall join another pair.',
  },
  HS_ACCESS_CODE_REFUSED: {
    status: 403,
    message: 'The access code was refused',
    remedy: 'Make a new access code on the primary and use it within its time.',
  },
  HS_TOO_MANY_ATTEMPTS: {
    status: 429,
    message: 'Too many wrong access codes',
    remedy: 'Wait a minute, then make a new access code on the primary.',
  },
  HS_PEER_UNREACHABLE: {
    status: 503,
    message: 'The peer does not answer',
    remedy: 'Check that the peer is on, its agent runs, and the port is open between the servers.',
  },
  HS_PEER_UNTRUSTED: {
    status: 403,
    message: 'The peer is not the server that was paired',
    remedy: 'If the peer was replaced, disable the pair on both servers and pair them again.',
  },
  HS_PEER_REFUSED: { status: 409, message: 'The peer refused', remedy: 'See the reason.' },
  HS_REQUIREMENTS_FAILED: {
    status: 409,
    message: 'The two servers do not meet the requirements of a pair',
    remedy: 'Mend what is named, then pair again; nothing was changed.',
  },
  HS_TAKE_OVER_REFUSED: {
    status: 409,
    message: 'The take-over was refused',
    remedy: 'Remove the blockers that are named.',
  },
  HS_TAKE_OVER_FAILED: {
    status: 500,
    message: 'The take-over failed and was rolled back',
    remedy: 'See the reason; the server that was active still is.',
  },
  HS_CANCELLED: {
    status: 409,
    message: 'It was called off',
    remedy: 'Ask for it again when it shall happen.',
  },
  HS_WRONG_STATE: {
    status: 409,
    message: 'This is not possible in the present state of the server',
    remedy: 'See the state with `hot-standby status`.',
  },
  HS_REPLICATION_FAILED: {
    status: 500,
    message: 'Replication failed',
    remedy: 'See the reason; it is tried again by itself.',
  },
  HS_TIMEOUT: {
    status: 504,
    message: 'It did not happen in time',
    remedy: 'See `hot-standby status`, then try again.',
  },
  HS_NOTIFICATION_FAILED: {
    status: 502,
    message: 'The notification could not be delivered',
    remedy: 'Check the SMTP settings and the address.',
  },
  HS_COMMAND_FAILED: {
    status: 500,
    message: 'A command of the operating system failed',
    remedy: 'See the reason; run `hot-standby doctor`.',
  },
  HS_INTERNAL: {
    status: 500,
    message: 'Hot standby met an error of its own',
    remedy: 'Report it with the log of the agent.',
  },
} as const satisfies Record<string, ErrorDefinition>

export type ErrorCode = keyof typeof ERRORS

/** One wrong field of a form, a file or a request. */
export interface FieldProblem {
  /** Path of the field, dots between levels: `virtualIp.address`. */
  readonly field: string
  /** The value as given, shortened; secrets are never repeated. */
  readonly value: string
  readonly message: string
  readonly remedy: string
}

export interface ErrorDetails {
  /** One sentence on this very case; follows the catalogue's message after a colon. */
  readonly reason?: string
  readonly fields?: readonly FieldProblem[]
  /** Takes the place of the catalogue's remedy. */
  readonly remedy?: string
  readonly [name: string]: unknown
}

/** An error with a code of the catalogue; `details` is data for callers, `cause` the original error. */
export class HotStandbyError extends Error {
  override readonly name = 'HotStandbyError'
  readonly code: ErrorCode
  readonly details: ErrorDetails

  constructor(code: ErrorCode, details: ErrorDetails = {}, options?: { readonly cause?: unknown }) {
    super(sentence(code, details), options)
    this.code = code
    this.details = details
  }

  get status(): number {
    return ERRORS[this.code].status
  }

  get remedy(): string {
    return this.details.remedy ?? ERRORS[this.code].remedy
  }

  /** The wire form of socket, control channel and web API. Holds no stack and no cause. */
  toJSON(): WireError {
    return { code: this.code, message: this.message, remedy: this.remedy, details: this.details }
  }
}

export interface WireError {
  readonly code: ErrorCode
  readonly message: string
  readonly remedy: string
  readonly details: ErrorDetails
}

/** Turns what a peer or agent sent back into an error; an unknown code becomes HS_INTERNAL. */
export function fromWireError(wire: unknown): HotStandbyError {
  const error = (wire ?? {}) as Partial<WireError>
  const known = typeof error.code === 'string' && Object.hasOwn(ERRORS, error.code)
  if (known) return new HotStandbyError(error.code, error.details ?? {})
  return new HotStandbyError('HS_INTERNAL', { reason: 'the answer was not understood' })
}

/** Any thrown value as one of ours, so that every route and command can name code and remedy. */
export function toHotStandbyError(thrown: unknown): HotStandbyError {
  if (thrown instanceof HotStandbyError) return thrown
  return new HotStandbyError('HS_INTERNAL', {}, { cause: thrown })
}

function sentence(code: ErrorCode, details: ErrorDetails): string {
  const fields = details.fields?.map(
    (problem) => `${problem.field} = ${problem.value}: ${problem.message}`,
  )
  const specifics = [details.reason, ...(fields ?? [])].filter((part) => part !== undefined)
  return specifics.length === 0
    ? ERRORS[code].message
    : `${ERRORS[code].message}: ${specifics.join('; ')}`
}

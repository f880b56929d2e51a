import { lstat, rm } from 'node:fs/promises'
import { connect, type Server } from 'node:net'
import { dirname } from 'node:path'
import { HotStandbyError } from '../errors.ts'
import { codeOf } from '../files/error-code.ts'
import { makeFolder } from './make-folder.ts'

/** The kernel's limit is 108 bytes with the closing zero. */
const LONGEST_PATH_BYTES = 107
const ANSWER_TIMEOUT_MS = 1000

/**
 * Listens on a unix socket whose mode is right from its first moment. A stale socket is replaced, but only
 * when nobody answers at it. Errors: HS_AGENT_RUNNING, HS_CONFIG_INVALID (the path).
 */
export async function listenOnUnixSocket(
  server: Server,
  path: string,
  mode: number,
): Promise<void> {
  checkLength(path)
  await makeSocketFolder(path)
  await removeStale(path)
  await listen(server, path, mode)
}

function checkLength(path: string): void {
  if (Buffer.byteLength(path) <= LONGEST_PATH_BYTES) return
  throw wrongPath(
    path,
    `is longer than ${LONGEST_PATH_BYTES} bytes`,
    'Give a shorter path, for example /run/hot-standby/agent.sock.',
  )
}

async function makeSocketFolder(path: string): Promise<void> {
  try {
    await makeFolder(dirname(path), 0o750)
  } catch (cause) {
    throw wrongPath(
      path,
      `is in a folder that cannot be made (${codeOf(cause)})`,
      'Make the folder and give it to the user that the agent runs as.',
    )
  }
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null)
  if (found === null) return
  if (!found.isSocket())
    throw wrongPath(path, 'is a file that is not a socket', 'Give another path, or remove it.')
  if (await somebodyAnswers(path))
    throw new HotStandbyError('HS_AGENT_RUNNING', {
      reason: `somebody answers at ${path}`,
      remedy: 'Stop the other agent, or give this one its own socketPath.',
    })
  await rm(path, { force: true })
}

/** A stopped process does not answer but its socket accepts: that counts, and so does silence. */
function somebodyAnswers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const settle = (answer: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    const timer = setTimeout(settle, ANSWER_TIMEOUT_MS, true)
    socket.once('connect', () => settle(true))
    socket.once('error', (error) =>
      settle(!['ECONNREFUSED', 'ENOENT', 'ECONNRESET'].includes(codeOf(error))),
    )
  })
}

function listen(server: Server, path: string, mode: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error) =>
      reject(
        wrongPath(
          path,
          `cannot be listened on (${codeOf(cause)})`,
          'Give a path in a folder that the agent may write to.',
          cause,
        ),
      )
    server.once('error', fail)
    const before = process.umask(0o777 & ~mode) // bind happens within listen(), so nobody gets in between
    try {
      server.listen(path, () => {
        server.off('error', fail)
        resolve()
      })
    } finally {
      process.umask(before)
    }
  })
}

function wrongPath(path: string, message: string, remedy: string, cause?: Error): HotStandbyError {
  return new HotStandbyError(
    'HS_CONFIG_INVALID',
    { fields: [{ field: 'socketPath', value: path, message, remedy }], remedy },
    { cause },
  )
}

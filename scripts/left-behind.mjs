// What tests left behind: processes that know the test folder, files in it, network namespaces.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

// Caches of the tools, which the folder's removal takes along.
const CACHES = [
  /^tsx-/,
  /^node-compile-cache$/,
  /^chromium/,
  /^\.?org\.chromium/,
  /^fonts$/,
  /^al20/,
  /^swiftshader/,
]

/** Files of the tests in the folder, at the first level. */
export function leftBehind(folder) {
  return readdirSync(folder)
    .filter((name) => !CACHES.some((cache) => cache.test(name)))
    .map((name) => join(folder, name))
}

/** Processes other than this one that were started with the folder, name it or work in it. */
export function processesOf(folder) {
  if (!existsSync('/proc/self/environ')) return processesByCommandLine(folder)
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((name) => ({ pid: Number(name), text: commandLine(name) }))
    .filter(({ pid, text }) => text.includes(folder) || knows(pid, folder))
}

function knows(pid, folder) {
  // PostgreSQL overwrites its environment to show a title, but works in its data folder.
  return read(`/proc/${pid}/environ`).includes(folder) || workingFolder(pid).startsWith(folder)
}

function commandLine(pid) {
  return read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()
}

function workingFolder(pid) {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return ''
  }
}

function read(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // Of another user, or just gone.
  }
}

function processesByCommandLine(folder) {
  return execFileSync('ps', ['-axo', 'pid=,command='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(.*)$/.exec(line))
    .filter((match) => match !== null && match[2].includes(folder))
    .map((match) => ({ pid: Number(match[1]), text: match[2] }))
}

/** Names of the network namespaces that are there. */
export function namespaces() {
  return existsSync('/run/netns') ? readdirSync('/run/netns') : []
}

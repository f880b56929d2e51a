import assert from 'node:assert/strict'
import {
  answeredIntervals,
  heldByBothMs,
  heldByNobodyMs,
  heldIntervals,
} from '../support/lab/holder-log.ts'
import {
  acknowledgedWrites,
  longestOutageMs,
  parseRequests,
  type RequestRecord,
} from '../support/lab/request-log.ts'

const VIRTUAL_IP = '10.77.0.100'
const at = (second: string): string => `[2026-11-25T02:00:${second}]`
const time = (second: string): number => Date.parse(`2026-11-25T02:00:${second}`)
const entry = `2: eth0    inet ${VIRTUAL_IP}/32 scope global dynamic eth0`

describe('What the lab reads of the kernel’s notifications', () => {
  it('counts from the first raise to the removal, whatever is renewed in between', () => {
    const printed = [
      `${at('01.000000')} ${entry}`,
      `${at('01.750000')} ${entry}`,
      `${at('04.500000')} Deleted ${entry}`,
      `${at('09.000000')} ${entry}`,
      '',
    ].join('\n')
    assert.deepEqual(heldIntervals(printed, VIRTUAL_IP), [
      { from: time('01.000'), until: time('04.500') },
      { from: time('09.000'), until: Infinity },
    ])
  })

  it('leaves out other addresses and a line that is still being written', () => {
    const other = entry.replace(VIRTUAL_IP, '10.77.0.1')
    const printed = `${at('01.000000')} ${other}\n${at('02.000000')} ${entry}`
    assert.deepEqual(heldIntervals(printed, VIRTUAL_IP), [])
  })

  it('joins answers that come one after the other', () => {
    const printed = ['1000', '1020', '1040', '1030', '1500', '1520', '2'].join('\n')
    assert.deepEqual(answeredIntervals(printed), [
      { from: 1000, until: 1040 },
      { from: 1500, until: 1520 },
    ])
  })

  it('adds up two holders, and none, within a time', () => {
    const one = [{ from: 0, until: 100 }]
    const other = [
      { from: 80, until: 120 },
      { from: 150, until: Infinity },
    ]
    assert.equal(heldByBothMs(one, other, 0, 200), 20)
    assert.equal(heldByBothMs(one, other, 90, 200), 10)
    assert.equal(heldByNobodyMs([one, other], 0, 200), 30)
    assert.equal(heldByNobodyMs([], 50, 200), 150)
  })
})

describe('What the lab reads of the client’s requests', () => {
  const request = (sentAt: number, endedAt: number, status = 200): RequestRecord => ({
    number: sentAt,
    kind: 'write',
    sentAt,
    endedAt,
    status,
    server: 'pbx-a',
  })

  it('reads whole lines only', () => {
    const text = '1 read 10.5 12.5 200 pbx-a\n2 write 20 1020 0 -\n3 wri'
    const [first, second, ...rest] = parseRequests(text)
    assert.deepEqual(first, {
      number: 1,
      kind: 'read',
      sentAt: 10.5,
      endedAt: 12.5,
      status: 200,
      server: 'pbx-a',
    })
    assert.equal(second?.server, null)
    assert.deepEqual(rest, [])
  })

  it('counts an outage from the last request that was answered to the first answer after it', () => {
    const requests = [request(0, 5), request(10, 15), request(20, 1020, 0), request(500, 510)]
    assert.equal(longestOutageMs(requests, 0, 600), 500)
  })

  it('counts an outage that lasts to the end, and one from the beginning', () => {
    assert.equal(longestOutageMs([request(0, 5)], 0, 600), 600)
    assert.equal(longestOutageMs([request(10, 1010, 0)], 0, 600), 600)
  })

  it('does not take a refused write for an acknowledged one', () => {
    const requests = [request(0, 5, 201), request(10, 15, 423), request(20, 1020, 0)]
    assert.deepEqual(
      acknowledgedWrites(requests, 0, 2000).map(({ sentAt }) => sentAt),
      [0],
    )
  })
})

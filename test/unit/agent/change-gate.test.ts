import assert from 'node:assert/strict'
import { ChangeGate } from '../../../plugin/agent/change-gate.ts'
import { recordingLogger } from '../../support/recording-logger.ts'

describe('the gate for changes in web processes', () => {
  const open = () => {
    const { logger, log: lines } = recordingLogger()
    return { gate: new ChangeGate(logger), lines }
  }
  /** A web process that has seen the present turn and waits for the next. */
  const attend = async (gate: ChangeGate, process: string) => {
    const { number } = await gate.next({ process, seen: 0 })
    return { process, seen: number, next: gate.next({ process, seen: number }) }
  }

  it('tells every process that waits, and goes on when each has come back', async () => {
    const { gate, lines } = open()
    const [one, two] = [await attend(gate, 'one'), await attend(gate, 'two')]
    let held = false
    const holding = gate.hold().then(() => (held = true))
    const turn = await one.next
    assert.deepEqual([turn, await two.next], [turn, turn])
    assert.equal(turn.changes, 'held')
    const back = gate.next({ process: 'one', seen: turn.number })
    await Promise.resolve()
    assert.equal(held, false, 'the other one has changes under way')
    const alsoBack = gate.next({ process: 'two', seen: turn.number })
    await holding
    gate.open()
    assert.deepEqual([(await back).changes, (await alsoBack).changes], ['open', 'open'])
    assert.deepEqual(lines, [])
  })

  it('waits for nobody where no process is, nor for one that asks for the first time', async () => {
    const { gate, lines } = open()
    await gate.hold()
    assert.equal((await gate.next({ process: 'new', seen: 0 })).changes, 'held')
    await gate.redirect()
    assert.equal((await gate.next({ process: 'new', seen: 2 })).changes, 'moved')
    assert.deepEqual(lines, [])
  })

  it('goes on without a process that does not come back, and says so', async () => {
    const { gate, lines } = open()
    await attend(gate, 'hung')
    await gate.hold()
    assert.match(JSON.stringify(lines), /do not end in time/)
  })

  it('is opened by whoever asks, also while it waits, and changes no turn when it is open', async () => {
    const { gate } = open()
    const { number } = await gate.next({ process: 'one', seen: 0 })
    gate.open()
    assert.equal((await gate.next({ process: 'one', seen: 0 })).number, number)
    await attend(gate, 'slow')
    const holding = gate.hold()
    gate.open()
    await holding
    assert.equal((await gate.next({ process: 'one', seen: 0 })).changes, 'open')
  })
})

import type { StateStore } from '../agent/agent-ports.ts'
import type { FileHistory } from '../notification/history.ts'

/** A slow outbox may delay a take-over by so much, and no more. */
const TELLING_MS = 500

/** Messages about what is being done are on disk before the term or role is, and so before what follows from it. */
export function afterTelling(store: StateStore, history: Pick<FileHistory, 'told'>): StateStore {
  return {
    load: () => store.load(),
    prove: () => store.prove(),
    async save(state) {
      let timer: NodeJS.Timeout | undefined
      const patience = new Promise((resolve) => {
        timer = setTimeout(resolve, TELLING_MS).unref()
      })
      await Promise.race([history.told(), patience])
      clearTimeout(timer)
      await store.save(state)
    },
  }
}

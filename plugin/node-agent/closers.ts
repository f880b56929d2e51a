/** What must be closed again, newest last; filled while parts open, so that a later part's failure closes the earlier ones. */
export type Closers = (() => unknown)[]

import { z } from 'zod'

const FILE = 'is empty | Give a value, or leave the field out.'

/** The third party that keeps the role for one server at a time: an etcd on any third machine. */
export const witnessConfig = z
  .strictObject({
    url: z
      .url({
        protocol: /^https?$/,
        error: 'is not an address of etcd | Write `https://host:2379`.',
      })
      .refine(
        (url) => !URL.canParse(url) || new URL(url).username === '',
        'has a user name | Put it into user, and the password into passwordFile.',
      ),
    key: z.string().min(1, 'is empty | Give the same name on both servers, one for each pair.'),
    user: z.string().min(1, FILE).optional(),
    passwordFile: z.string().min(1, FILE).optional(),
    caFile: z.string().min(1, FILE).optional(),
  })
  .refine(
    (witness) => (witness.user === undefined) === (witness.passwordFile === undefined),
    'needs both `user` and `passwordFile`, or none of them | Give the other one too.',
  )

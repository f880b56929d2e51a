// Writers in a process of their own: single-row transactions from so many clients for so long; answers their number.
import pg from 'pg'

const [url = '', clients = '1', milliseconds = '1000'] = process.argv.slice(2)
const connections = await Promise.all(
  Array.from({ length: Number(clients) }, async () => {
    const client = new pg.Client(url)
    await client.connect()
    return client
  }),
)
const until = performance.now() + Number(milliseconds)
let transactions = 0
const writing = connections.map(async (client, index) => {
  for (let turn = index; performance.now() < until; turn++) {
    const number = 1 + ((turn * 37 + index * 61) % 2000)
    await client.query(
      turn % 2 === 0
        ? {
            name: 'update',
            text: 'update extension set name = $2 where number = $1',
            values: [number, `name ${turn}`],
          }
        : {
            name: 'insert',
            text: 'insert into queue_log (queue, event) values ($1, $2)',
            values: [`queue ${index}`, `event ${turn}`],
          },
    )
    transactions++
  }
})
const begunAt = performance.now()
await Promise.all(writing)
const seconds = (performance.now() - begunAt) / 1000
process.stdout.write(String(transactions / seconds))
await Promise.all(connections.map((client) => client.end()))

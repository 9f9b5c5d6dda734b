/** What answers about access are measured against: Koa as it is, one small JSON for every request. `node hello.ts <port>` @module */
import Koa from 'koa'

const app = new Koa()
app.use((ctx) => {
  ctx.body = { hello: 'world' }
})
app.listen(Number(process.argv[2]), '127.0.0.1')
process.on('SIGTERM', () => process.exit(0))

// A feed, with the library ws. Argument: the bearer token that it lets in. Reads what to do from its input, one JSON object a line:
// {"send": text, "binary": bool} or {"close": code}; tells what it sees the same way.
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import { WebSocketServer } from 'ws'

const [token] = process.argv.slice(2)
const tell = (what) => process.stdout.write(JSON.stringify(what) + '\n')
const server = createServer()
const sockets = new WebSocketServer({ noServer: true })
server.on('upgrade', (request, wire, head) => {
  if (request.headers.authorization !== `Bearer ${token}`) {
    wire.end('HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n')
    return
  }
  sockets.handleUpgrade(request, wire, head, (socket) => {
    socket.on('message', (data) => tell({ hello: String(data), path: request.url }))
    socket.on('error', () => {})
  })
})
createInterface({ input: process.stdin }).on('line', (line) => {
  const { send, binary, close } = JSON.parse(line)
  for (const socket of sockets.clients) {
    if (close) socket.close(close)
    else socket.send(send, { binary: Boolean(binary) })
  }
})
server.listen(0, '127.0.0.1', () => tell({ port: server.address().port }))

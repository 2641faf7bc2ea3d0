// A client that stays connected, with the library ws. Arguments: the hub's address, a bearer token. Reads what to send from its input,
// one JSON object a line: {"send": text, "binary": bool}; tells what it sees the same way.
import { createInterface } from 'node:readline'
import WebSocket from 'ws'

const [address, token] = process.argv.slice(2)
const tell = (what) => process.stdout.write(JSON.stringify(what) + '\n')
const socket = new WebSocket(address, { headers: { authorization: `Bearer ${token}` } })
socket.on('open', () => {
  tell({ open: true })
  createInterface({ input: process.stdin }).on('line', (line) => {
    const { send, binary } = JSON.parse(line)
    socket.send(send, { binary: Boolean(binary) })
  })
})
socket.on('message', (data) => tell({ message: JSON.parse(data) }))
socket.on('unexpected-response', (_, response) => tell({ status: response.statusCode }))
socket.on('error', () => {})
socket.on('close', (code) => tell({ close: code }))

// A canonical event as the CNCF's cloudevents library sends it. Arguments: the channel's address, the mode.
import { CloudEvent, Mode, emitterFor, httpTransport } from 'cloudevents'

const [url, mode] = process.argv.slice(2)
const event = (id) =>
  new CloudEvent({
    id,
    type: 'commerce.order.placed',
    source: '/webshop',
    subject: 'order/1001',
    time: '2026-03-01T10:00:00.000Z',
    partitionkey: 'customer-12',
    comefrom: 'ad banner',
    data: { order: { id, currency: 'EUR', total: { amount: '12.50', currency: 'EUR' } } },
  })

if (mode === 'batch') {
  // The library reads batches but makes none.
  const body = JSON.stringify([event('batch-1'), event('batch-2')])
  const headers = { 'content-type': 'application/cloudevents-batch+json; charset=utf-8' }
  const answer = await fetch(url, { method: 'POST', headers, body })
  if (!answer.ok) throw new Error(await answer.text())
} else {
  const emit = emitterFor(httpTransport(url), { mode: mode === 'binary' ? Mode.BINARY : Mode.STRUCTURED })
  await emit(event(mode))
}

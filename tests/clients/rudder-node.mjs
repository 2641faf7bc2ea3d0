// Calls as a company's server makes them with @rudderstack/rudder-sdk-node, which packs its bodies. Arguments: the hub's
// address, the write key.
import RudderAnalytics from '@rudderstack/rudder-sdk-node'

const [dataPlaneUrl, writeKey] = process.argv.slice(2)
const client = new (RudderAnalytics.default ?? RudderAnalytics)(writeKey, { dataPlaneUrl, flushInterval: 60000 })
const called = (error) => {
  if (error) {
    console.error(error)
    process.exitCode = 1
  }
}

client.identify({ userId: 'u-18', traits: { email: 'bruno@example.com' } }, called)
client.track(
  {
    userId: 'u-18',
    event: 'Product Viewed',
    properties: { product_id: 'p-1', name: 'Moka', price: 19.9, currency: 'EUR' },
    messageId: 'r-1',
    timestamp: new Date('2026-03-01T10:00:00.000Z'),
  },
  called,
)
await new Promise((resolve) => client.flush(resolve))
process.exit()

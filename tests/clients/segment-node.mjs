// Calls as a company's server makes them with @segment/analytics-node. Arguments: the hub's address, the write key.
import { Analytics } from '@segment/analytics-node'

const [host, writeKey] = process.argv.slice(2)
const analytics = new Analytics({ host, writeKey, maxRetries: 0 })
analytics.on('error', (error) => {
  console.error(error)
  process.exitCode = 1
})

const userId = 'u-17'
const anonymousId = '8f6c2b1e-0d1f-4b62-9a53-2f1f6f0f9a01'
analytics.identify({ userId, anonymousId, traits: { email: 'Rosa@Example.com', firstName: 'Rosa', plan: 'gold' } })
analytics.page({ userId, name: 'Thanks', properties: { url: 'https://shop.example.com/thanks' } })
analytics.screen({ userId, name: 'Cart' })
analytics.group({ userId, groupId: 'g-1', traits: { name: 'Initech' } })
analytics.alias({ userId, previousId: anonymousId })
analytics.track({
  userId,
  event: 'Order Completed',
  properties: {
    order_id: '1001',
    total: 55.8,
    currency: 'EUR',
    products: [{ product_id: 'p-1', sku: 'MOKA-6', price: 19.9, quantity: 2 }],
  },
  context: { ip: '192.0.2.10' },
  timestamp: new Date('2026-03-01T10:00:00Z'),
})
analytics.track({ userId, event: 'Report Submitted', properties: { pages: 3 } })
await analytics.closeAndFlush({ timeout: 20000 })

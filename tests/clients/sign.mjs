// Signs with the vendors' own libraries, and prints the query and the headers of the request as JSON. Arguments: the vendor, the
// secret, the time in seconds, the body.
import { createHmac } from 'node:crypto'
import { HashFormat, createSHA256HMAC } from '@shopify/shopify-api/runtime'
import Stripe from 'stripe'

const [vendor, secret, seconds, payload] = process.argv.slice(2)
const signers = {
  shopify: async () => ({ 'x-shopify-hmac-sha256': await createSHA256HMAC(secret, payload, HashFormat.Base64) }),
  stripe: async () => {
    const stripe = new Stripe('sk_test_none')
    const header = stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp: Number(seconds) })
    return { 'stripe-signature': header }
  },
  // No library of Meta's makes or checks this one: after
  // https://developers.facebook.com/docs/graph-api/webhooks/getting-started, by the platform's own HMAC.
  meta: async () => ({
    'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(payload).digest('hex')}`,
  }),
}
const headers = { 'content-type': 'application/json', ...(await signers[vendor]()) }
console.log(JSON.stringify({ query: '', headers }))

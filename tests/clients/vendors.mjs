// Makes requests again with the vendors' own libraries. Arguments: the vendor, a file with a list of requests as the golden cases have
// them, and for Shopify the folder of its schemas. Prints for each request what the library sent, or why it did not.
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import jsforce from '@jsforce/jsforce-node'
import { createAdminApiClient } from '@shopify/admin-api-client'
import {
  NoDeprecatedCustomRule, buildClientSchema, getVariableValues, parse, specifiedRules, validate,
} from 'graphql'

// What every library is given to prove itself with.
const TOKEN = 'token-of-the-test'

const [vendor, file, schemas] = process.argv.slice(2)
const OBJECTS = readFileSync(
  new URL('./node_modules/@jsforce/jsforce-node/lib/types/standard-schema.d.ts', import.meta.url), 'utf8',
)

const lower = (headers) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]))

/** What stands in the places of a path that the library knows. */
const places = (request, method, pattern) => {
  const found = request.method === method && new URL(request.target).pathname.match(pattern)
  if (!found) throw new Error(`the library is not known to call ${request.method} ${request.target}`)
  return found.slice(1)
}

const vendors = {
  // Salesforce publishes no client of its REST API but this one, which its command line is made with.
  salesforce: async (request) => {
    const [version, type, key] = places(
      request, 'PATCH', /^\/services\/data\/v([\d.]+)\/composite\/sobjects\/(\w+)\/(\w+)$/,
    )
    const { records, ...options } = request.body
    // The library writes the type into each record itself.
    const rows = records.map(({ attributes, ...fields }) => fields)
    const strange = rows.flatMap((fields) => Object.keys(fields)).filter((name) => !inObject(type, name))
    if (strange.length) throw new Error(`${type} has no ${strange}`)
    const connection = new jsforce.Connection({
      instanceUrl: new URL(request.target).origin, accessToken: TOKEN, version,
    })
    let sent
    connection._transport = {
      httpRequest: ({ method, url, headers, body }) => {
        sent = { method, url, headers: lower(headers), body }
        throw new Error('kept')
      },
    }
    try {
      await connection.sobject(type).upsert(rows, key, options)
    } catch (error) {
      if (!sent) throw error
    }
    return sent
  },

  shopify: async (request) => {
    const [apiVersion] = places(request, 'POST', /^\/admin\/api\/(\d{4}-\d\d)\/graphql\.json$/)
    const { query, variables, ...strange } = request.body
    if (Object.keys(strange).length) throw new Error(`there is no ${Object.keys(strange)}`)
    inSchema(apiVersion, query, variables)
    let sent
    const client = createAdminApiClient({
      storeDomain: new URL(request.target).host,
      apiVersion,
      accessToken: TOKEN,
      // Which versions are still served is a matter of the day's date.
      logger: () => {},
      customFetchApi: async (url, { method, headers, body }) => {
        sent = { method, url, headers: lower(headers), body }
        return new Response('{"data": {}}', { headers: { 'content-type': 'application/json' } })
      },
    })
    await client.request(query, { variables })
    return sent
  },
}

/** Whether a standard object has that field, or it is the customer's own. The library has the objects as types only. */
function inObject(type, name) {
  const [, fields] = OBJECTS.match(new RegExp(`^type Fields\\$${type} = \\{([^}]*)\\}`, 'm'))
  return name.endsWith('__c') || new RegExp(`^ +${name}: `, 'm').test(fields)
}

const known = new Map()

/** Refuses what that version of Shopify's schema does not have, or has no longer long. */
function inSchema(version, query, variables) {
  if (!known.has(version)) {
    const packed = readFileSync(`${schemas}/admin_${version}.json.gz`)
    const { data } = JSON.parse(gunzipSync(packed))
    known.set(version, buildClientSchema(data))
  }
  const schema = known.get(version)
  const document = parse(query)
  const mistakes = validate(schema, document, [...specifiedRules, NoDeprecatedCustomRule])
  const [{ variableDefinitions }] = document.definitions
  const values = getVariableValues(schema, variableDefinitions, variables)
  const declared = variableDefinitions.map((one) => one.variable.name.value)
  const strange = Object.keys(variables).filter((name) => !declared.includes(name))
  const all = [...mistakes, ...(values.errors ?? [])].map((one) => one.message)
  if (strange.length) all.push(`the document declares no ${strange}`)
  if (all.length) throw new Error(all.join('; '))
}

const answers = []
for (const request of JSON.parse(readFileSync(file))) {
  answers.push(await vendors[vendor](request).catch((error) => ({ refused: String(error) })))
}
console.log(JSON.stringify(answers))

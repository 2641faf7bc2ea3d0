// What a connector in JavaScript is written with: one `define…` per role, and short ways to make and read the contract's
// values. It depends on nothing, so a connector is also an ordinary module that Node can test. The contract itself is
// `wit/v1/connector.wit`; the types are in `snodo-connector.d.ts`.
//
// u64 is a BigInt in the contract's own binding. Here times and waits are plain numbers: milliseconds fit by far.

import { trim } from "./readings/text.js";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const strict = new TextDecoder("utf-8", { fatal: true });

// Roles: the author writes what happens to one item, the contract wants one result per item of a batch.

/** A source: `decode(ctx, message)` gives the drafts of one message. */
export function defineSource({ decode }) {
  return {
    decode(ctx, messages) {
      const told = asContext(ctx);
      return messages.map((message) => {
        message.receivedAt = Number(message.receivedAt);
        return asResult(() => asDrafts(decode(told, message)), () => [message.body, message.name]);
      });
    },
  };
}

/** A source that must be asked: `next(ctx, cursor, reply)` gives `ask(…)` or `page(…)`. */
export function definePoll({ next }) {
  return {
    next(ctx, cursor, reply) {
      const payload = () => [cursor, reply?.state, reply?.answer.body];
      const result = asResult(() => asStep(next(asContext(ctx), cursor, reply)), payload);
      // A result that is the whole answer of a call is returned or thrown.
      if (result.tag === "err") throw result.val;
      return result.val;
    },
  };
}

/** A destination: `encode(ctx, deliveries)` plans the whole batch, `interpret(ctx, exchange)` reads one answer. */
export function defineDestination({ encode, interpret }) {
  return {
    encode: (ctx, deliveries) => encodeAll(encode, asContext(ctx), deliveries),
    interpret(ctx, exchanges) {
      const told = asContext(ctx);
      return exchanges.map((exchange) => {
        const { deliveries, answer } = exchange;
        const said = () => [answer.body, ...deliveries.flatMap(payloadOf)];
        const result = asResult(() => interpret(told, exchange), said);
        return result.tag === "ok" ? result.val : Plan.settleAll(deliveries.length, asFailed(result.val));
      });
    },
  };
}

/** A transform: `apply(ctx, event)` gives the drafts in the place of one event. */
export function defineTransform({ apply }) {
  return {
    apply(ctx, events) {
      const told = asContext(ctx);
      return events.map((event) => asResult(() => asDrafts(apply(told, event)), () => [event.data]));
    },
  };
}

/** A batch that throws is planned one by one, so that only the delivery at fault fails. */
function encodeAll(encode, ctx, deliveries) {
  const result = asResult(() => encode(ctx, deliveries), () => deliveries.flatMap(payloadOf));
  if (result.tag === "ok") return result.val;
  if (deliveries.length === 1) return Plan.settleAll(1, asFailed(result.val));
  const whole = new Plan();
  deliveries.forEach((delivery, place) => {
    const { calls, settled } = encodeAll(encode, ctx, [delivery]);
    for (const call of calls) whole.calls.push({ ...call, covers: [place] });
    for (const { outcome } of settled) whole.settle(place, outcome);
  });
  return whole;
}

const payloadOf = ({ event, customer }) => [event.data, event.subject, event.orderingKey, customer];

function asStep(step) {
  if (step?.tag === "page") asDrafts(step.val.events);
  return step;
}

const asContext = ({ channel, config, now }) => ({ channel, config, now: Number(now) });

function asDrafts(found) {
  if (!Array.isArray(found)) throw new TypeError("what was returned is no list of drafts");
  found.forEach(checkTexts);
  return found;
}

/** A vendor that sends a number where its documentation has a text must not end the instance: what crosses over has to be text. */
function checkTexts(made) {
  for (const name of TEXTS) {
    const value = made[name];
    if (typeof value === "string" || (name !== "kind" && (value === undefined || value === null))) continue;
    throw permanent(`${name} of an event is no text`);
  }
}

const TEXTS = ["kind", "key", "subject", "time", "orderingKey"];

const asFailed = (fault) => ({ tag: "failed", val: fault });

function asResult(attempt, payload) {
  try {
    return { tag: "ok", val: attempt() };
  } catch (error) {
    if (error instanceof Fault) return { tag: "err", val: error.value };
    const told = `${error?.name ?? "error"}: ${error?.message ?? "something was thrown that is no error"}`;
    return { tag: "err", val: permanent(withoutPayload(told, payload())).value };
  }
}

// Faults. Throw them; the case is the policy.

/** Why something did not work. `value` is the contract's own form. */
export class Fault extends Error {
  constructor(tag, val) {
    super((val.problem ?? val).message);
    this.name = "Fault";
    this.value = { tag, val };
  }
}

/** It may work later: try again by the schedule. */
export const retry = (message, at) => new Fault("retry", { message, at });

/** The other side asks for patience: `afterMs` if it named a time, `bucket` if it named a quota. */
export const rateLimited = (message, { afterMs, bucket, at } = {}) =>
  new Fault("rate-limited", { afterMs: whole(afterMs), bucket, problem: { message, at } });

/** The credential was refused. */
export const auth = (message, at) => new Fault("auth", { message, at });

/** It will never work. `at` is a JSON Pointer to the place at fault. */
export const permanent = (message, at) => new Fault("permanent", { message, at });

/** It will not work until somebody changes the channel. */
export const misconfigured = (message, at) => new Fault("misconfigured", { message, at });

// Outcomes of deliveries.

/** Taken; with the id the destination gave it, where it gave one. */
export const accepted = (id) => ({ tag: "accepted", val: id });

/** The destination already had it. */
export const duplicate = () => ({ tag: "duplicate" });

/** There is nothing to do for it at the destination, and why. */
export const ignored = (message, at) => ({ tag: "ignored", val: { message, at } });

/** Not taken, for this reason. */
export const failed = (fault) => asFailed(fault.value);

// Reading.

/** The channel's configuration. Read once for each batch. */
export function config(ctx) {
  ctx.read ??= parse(ctx.config, (where) => misconfigured(`failed to read the configuration: ${where}`));
  return ctx.read;
}

/** The first header of that name (lower case), of a message or an answer. */
export const header = ({ headers }, name) => headers.find(([key]) => key === name)?.[1];

/** The body as text. Bytes that are no UTF-8 become U+FFFD. */
export const text = ({ body }) => decoder.decode(body);

/** A message's body as JSON; a fault says where it is not. */
export const json = (message) => parse(message.body, notJson);

/** The same with every number as its own text: nothing of an amount or a long id is lost. */
export const exactJson = (message) =>
  parse(message.body, notJson, (_, value, { source } = {}) => (typeof value === "number" ? source : value));

/** An event's canonical body. */
export const data = (event) => parse(event.data, (where) => permanent(`failed to read the event's body: ${where}`));

/** An answer's body as JSON, or undefined if it is something else. */
export function answerJson(answer) {
  try {
    return JSON.parse(decoder.decode(answer.body));
  } catch {
    return undefined;
  }
}

/** What a call, or a poll's question, was given as its state. */
export const state = (told) => (told.state.length === 0 ? undefined : JSON.parse(decoder.decode(told.state)));

/** 2xx. */
export const isSuccess = ({ status }) => status >= 200 && status < 300;

/** What the status alone says by HTTP's own rules (RFC 9110, and RFC 6585 for 429). A vendor may mean something else. */
export function fault(answer, message) {
  const { status } = answer;
  const afterMs = retryAfterMs(answer);
  if (status === 401 || status === 403) return auth(message);
  if (status === 429) return rateLimited(message, { afterMs });
  if ([404, 405, 410].includes(status)) return misconfigured(message);
  if ([408, 409, 423, 425].includes(status) || status >= 500) {
    return afterMs === undefined ? retry(message) : rateLimited(message, { afterMs });
  }
  return permanent(message);
}

/** `Retry-After` in seconds (RFC 9110, 10.2.3). The host turns its date form into seconds before it gets here. */
export function retryAfterMs(answer) {
  const seconds = trim(header(answer, "retry-after") ?? "");
  if (!/^\+?[0-9]+$/.test(seconds)) return undefined;
  const afterMs = Number(seconds) * 1000;
  return Number.isSafeInteger(afterMs) ? afterMs : undefined;
}

const notJson = (where) => permanent(`failed to read the body as JSON: ${where}`);

/** The engine's own message may quote what it read (V8 does), so only the place is passed on. */
function parse(bytes, fault, reviver) {
  try {
    return JSON.parse(strict.decode(bytes), reviver);
  } catch (error) {
    const place = /line \d+ column \d+|position \d+/.exec(error.message);
    throw fault(place ? `not JSON at ${place[0]}` : "not JSON");
  }
}

// Making.

/** An event of that kind with that body; further `key`, `subject`, `time`, `orderingKey` and `attributes`. */
export const draft = (kind, data, { key, subject, time, orderingKey, attributes = {} } = {}) => ({
  key,
  kind,
  subject,
  time,
  orderingKey,
  attributes: Object.entries(attributes),
  data: bytes(data ?? {}),
});

/** Leaves out what is not known: undefined, null, empty text, an empty list or object. Undefined if nothing is left. */
export function known(fields) {
  // A loop: the engine interprets, and lists of entries cost it several times as much.
  let left;
  for (const name in fields) {
    const value = fields[name];
    if (value === undefined || value === null || value === "") continue;
    if (typeof value === "object" && isEmpty(value)) continue;
    left ??= {};
    left[name] = value;
  }
  return left;
}

function isEmpty(value) {
  if (Array.isArray(value)) return value.length === 0;
  for (const _ in value) return false;
  return true;
}

/** A request with a JSON body. */
export const jsonRequest = (method, target, body, headers = {}) => ({
  method,
  target,
  headers: [["content-type", "application/json"], ...Object.entries(headers)],
  body: bytes(body),
});

/** Requests, and deliveries that are settled at once. Every delivery is in exactly one of them. */
export class Plan {
  calls = [];
  settled = [];

  /** A request for these deliveries, by their places. `state`, any JSON, comes back with the answer: see `state()`. */
  call(request, covers, state) {
    this.calls.push({ request, covers, state: stored(state) });
    return this;
  }

  settle(delivery, outcome) {
    this.settled.push({ delivery, outcome });
    return this;
  }

  /** The same outcome for the first `count` deliveries: for an answer that speaks for all of its call. */
  static settleAll(count, outcome) {
    const plan = new Plan();
    for (let place = 0; place < count; place++) plan.settle(place, outcome);
    return plan;
  }
}

/** Of a poll: this is what to ask. `state`, any JSON, comes back with the reply: see `state()`. */
export const ask = (request, state) => ({ tag: "ask", val: { request, state: stored(state) } });

/** Of a poll: this is what it says. `cursor` is bytes; `waitMs` leaves the other side alone for so long. */
export const page = ({ events, cursor, more = false, waitMs }) => ({
  tag: "page",
  val: { events, cursor, more, waitMs: whole(waitMs) },
});

const stored = (state) => (state === undefined ? new Uint8Array() : bytes(state));
const bytes = (value) => encoder.encode(JSON.stringify(value));
const whole = (number) => (number === undefined ? undefined : BigInt(Math.ceil(number)));

// Readings that many vendors need: pure text in, canonical text out, undefined for what cannot be read.

export * as binary from "./readings/binary.js";
export * as contact from "./readings/contact.js";
export * as locale from "./readings/locale.js";
export * as money from "./readings/money.js";
export * as name from "./readings/name.js";
export * as time from "./readings/time.js";
export * as url from "./readings/url.js";
export { email, phone } from "./readings/contact.js";
export { decimal } from "./readings/money.js";
export { filled, pointer, pointerStep, trim, truncate } from "./readings/text.js";

// The connector's voice in the hub's log.

let voice = (level, message) => globalThis.console?.error(`${level}: ${message}`);

/** One line for the people who run the hub: "debug", "info", "warn" or "error". Never personal data: the hub cannot tell. */
export const log = (level, message) => voice(level, message);

/** For the build: in a component the contract's `log` is the voice, elsewhere it is standard error. */
export const speakThrough = (log) => {
  voice = log;
};

// An engine's error may quote what was being read: `can't access property "anna@example.com" of null`.

/** What stands in quotes goes, and every word that also stands in a value of the payload. */
function withoutPayload(told, payload) {
  const words = new Set(payload.filter((part) => part !== undefined).flatMap(wordsOf));
  return told
    .replace(/(?<![A-Za-z0-9\x80-\uffff])["'`].*["'`]/s, "…")
    .replace(WORD, (word) => (words.has(word.toLowerCase()) ? "…" : word))
    .slice(0, TOLD_MAX);
}

/** Shorter words without a digit are left: they are "is", "of" and "the". */
const WORD = /[A-Za-z0-9_@.+\x80-\uffff-]{4,}|[A-Za-z_\x80-\uffff]*[0-9][A-Za-z0-9_\x80-\uffff]*/g;

/** A sentence, not a payload. */
const TOLD_MAX = 300;

function wordsOf(part) {
  const text = typeof part === "string" ? part : decoder.decode(part);
  let values = text;
  try {
    values = valuesOf(JSON.parse(text)).join(" ");
  } catch {
    // Not JSON: every word of it is a value.
  }
  // Also the parts of "anna@example.com", in case only one of them is quoted.
  return (values.match(WORD) ?? []).flatMap((word) => [word, ...word.split(/[@.+-]/)]).map((word) => word.toLowerCase());
}

function valuesOf(json) {
  if (json === null || typeof json !== "object") return [String(json)];
  return Object.values(json).flatMap(valuesOf);
}

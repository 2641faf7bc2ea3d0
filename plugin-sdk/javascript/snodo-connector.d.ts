// Types of the contract's values as they look in JavaScript, and of the helpers. The contract is `wit/v1/connector.wit`.
// How names map: kebab-case becomes camelCase; `list<u8>` is a Uint8Array, `option<T>` is T or undefined, a variant is
// `{ tag, val }` with the case's own kebab-case name, a result within a list `{ tag: "ok" | "err", val }`.

export type Role = "source" | "poll" | "destination" | "transform";

/** A name and its value. Names of headers are in lower case. */
export type Field = [name: string, value: string];

/** Anything that JSON can hold. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** What every call is told. Read `config` with `config(ctx)`. */
export interface Context {
  channel: string;
  config: Uint8Array;
  /** Milliseconds since 1970-01-01T00:00:00Z. The only clock there is. */
  now: number;
}

/** Something a touchpoint sent, as it came. */
export interface Message {
  id: string;
  /** Milliseconds since the epoch at which the hub took it. */
  receivedAt: number;
  headers: Field[];
  /** The query of the request, or the name of the file. */
  name: string;
  body: Uint8Array;
}

/** An event as a source tells it. Made by `draft()`. */
export interface Draft {
  key?: string;
  kind: string;
  subject?: string;
  time?: string;
  orderingKey?: string;
  attributes: Field[];
  data: Uint8Array;
}

/** A canonical event. Read its body with `data(event)`. */
export interface Event {
  id: string;
  kind: string;
  source: string;
  subject?: string;
  time: string;
  dataschema: string;
  orderingKey: string;
  attributes: Field[];
  data: Uint8Array;
}

/** One event on its way to one destination. */
export interface Delivery {
  /** The same for every attempt and every replay. */
  idempotencyKey: string;
  /** 1 for the first. */
  attempt: number;
  customer?: string;
  event: Event;
}

/** What should be sent. A header's value may hold `{{secret:NAME}}`, and so may the target behind its host. */
export interface Request {
  method: string;
  target: string;
  headers: Field[];
  body: Uint8Array;
}

/** What was answered. */
export interface Answer {
  status: number;
  headers: Field[];
  body: Uint8Array;
}

/** What was wrong and what to do about it. No personal data, no secret. `at` is a JSON Pointer. */
export interface Problem {
  message: string;
  at?: string;
}

export interface Wait {
  afterMs?: bigint;
  bucket?: string;
  problem: Problem;
}

export type FaultValue =
  | { tag: "retry" | "auth" | "permanent" | "misconfigured"; val: Problem }
  | { tag: "rate-limited"; val: Wait };

export type Outcome =
  | { tag: "accepted"; val?: string }
  | { tag: "duplicate" }
  | { tag: "ignored"; val: Problem }
  | { tag: "failed"; val: FaultValue };

export interface Call {
  request: Request;
  covers: number[];
  state: Uint8Array;
}

export interface Settlement {
  delivery: number;
  outcome: Outcome;
}

/** A call that was sent, with what came back. Read `state` with `state(exchange)`. */
export interface Exchange {
  deliveries: Delivery[];
  state: Uint8Array;
  answer: Answer;
}

/** What a poll asks. */
export interface Question {
  request: Request;
  state: Uint8Array;
}

/** What came back to a question. Read `state` with `state(reply)`. */
export interface Reply {
  state: Uint8Array;
  answer: Answer;
}

export interface Page {
  events: Draft[];
  cursor: Uint8Array;
  more: boolean;
  waitMs?: bigint;
}

export type Step = { tag: "ask"; val: Question } | { tag: "page"; val: Page };

// Roles. What they return is the contract's batch function, to be exported under the role's name. A Fault that is thrown
// becomes that item's fault; any other error becomes `permanent`, with the error's words but none of the payload's.

export function defineSource(source: { decode(ctx: Context, message: Message): Draft[] }): object;

export function definePoll(poll: {
  /** Without a reply: what to ask. With one: what it says, or what else to ask before that can be said. */
  next(ctx: Context, cursor: Uint8Array | undefined, reply: Reply | undefined): Step;
}): object;

export function defineDestination(destination: {
  /** Plans the whole batch: every delivery covered by exactly one call, or settled at once. */
  encode(ctx: Context, deliveries: Delivery[]): Plan;
  /** What an answer means for the deliveries its call covered. Places count within the exchange. */
  interpret(ctx: Context, exchange: Exchange): Plan;
}): object;

export function defineTransform(transform: { apply(ctx: Context, event: Event): Draft[] }): object;

export class Fault extends Error {
  readonly value: FaultValue;
}
export function retry(message: string, at?: string): Fault;
export function rateLimited(message: string, more?: { afterMs?: number; bucket?: string; at?: string }): Fault;
export function auth(message: string, at?: string): Fault;
export function permanent(message: string, at?: string): Fault;
export function misconfigured(message: string, at?: string): Fault;

export function accepted(id?: string): Outcome;
export function duplicate(): Outcome;
export function ignored(message: string, at?: string): Outcome;
export function failed(fault: Fault): Outcome;

// Reading. What was read is foreign: say its type, or look before you take.

export function config<T = any>(ctx: Context): T;
export function header(from: Message | Answer, name: string): string | undefined;
export function text(from: Message | Answer | Request): string;
export function json<T = any>(message: Message): T;
export function exactJson<T = any>(message: Message): T;
export function data<T = any>(event: Event): T;
export function answerJson<T = any>(answer: Answer): T | undefined;
export function state<T = any>(told: Exchange | Reply): T | undefined;
export function isSuccess(answer: Answer): boolean;
export function fault(answer: Answer, message: string): Fault;
export function retryAfterMs(answer: Answer): number | undefined;

export function draft(
  kind: string,
  data: object | undefined,
  more?: {
    /** What the vendor calls this very event. The same key is the same event. */
    key?: string;
    subject?: string;
    /** RFC 3339 with its offset. */
    time?: string;
    orderingKey?: string;
    /** Further CloudEvents attributes: lower-case letters and digits. */
    attributes?: { [name: string]: string };
  },
): Draft;
export function known<T extends object>(fields: T): Partial<T> | undefined;
export function jsonRequest(
  method: string,
  target: string,
  body: unknown,
  headers?: { [name: string]: string },
): Request;

export class Plan {
  calls: Call[];
  settled: Settlement[];
  call(request: Request, covers: number[], state?: Json): this;
  settle(delivery: number, outcome: Outcome): this;
  static settleAll(count: number, outcome: Outcome): Plan;
}

export function ask(request: Request, state?: Json): Step;
export function page(page: { events: Draft[]; cursor: Uint8Array; more?: boolean; waitMs?: number }): Step;

// Readings that many vendors need: undefined for what cannot be read. `readings.json` beside the SDKs has examples of each.

export function trim(text: string): string;
export function filled(text: string): string | undefined;
export function truncate(text: string, bytesMax: number): string;
export function pointer(steps: (string | number)[]): string;
export function pointerStep(step: string | number): string;

export interface Money {
  amount: string;
  currency: string;
}

export function decimal(text: string | number): string | undefined;
export function email(text: string): string | undefined;
export function phone(text: string): string | undefined;

export namespace time {
  function rfc3339(text: string): string | undefined;
  function local(text: string, offsetElse: string): string | undefined;
  function day(text: string): string | undefined;
  function offset(text: string): string | undefined;
  function rfc2822(text: string): string | undefined;
  function fromEpochSeconds(seconds: number | string): string | undefined;
  function fromEpochMillis(millis: number | string): string | undefined;
  function fromNow(now: number, plusMs: number): string | undefined;
  function epochMillis(text: string): number | undefined;
  function epochMicros(text: string): number | undefined;
}

export namespace money {
  function decimal(number: string | number): string | undefined;
  function decimalComma(number: string): string | undefined;
  function fromMinor(units: string | number | bigint, digits: number): string | undefined;
  function currency(text: string): string | undefined;
  function minorDigits(currency: string): number | undefined;
  function money(amount: string | number, currency: string): Money | undefined;
  function moneyFromMinor(units: string | number | bigint, currency: string): Money | undefined;
  function add(left: string, right: string): string | undefined;
  function subtract(left: string, right: string): string | undefined;
  function negative(number: string): string | undefined;
  function compare(left: string, right: string): -1 | 0 | 1 | undefined;
}

export namespace contact {
  function email(text: string): string | undefined;
  function phone(text: string): string | undefined;
  function phoneIn(text: string, callingCode: string): string | undefined;
}

/** As the schemas name the parts of a person. */
export interface Name {
  salutation?: string;
  given_name: string;
  family_name: string;
}

export namespace name {
  function familyCommaGiven(text: string): Name | undefined;
  function lastWordIsFamily(text: string): Name | undefined;
  function join(parts: string[]): string | undefined;
}

export namespace locale {
  function tag(text: string): string | undefined;
  function acceptLanguage(text: string): string | undefined;
  function country(text: string): string | undefined;
}

export namespace url {
  function segment(text: string | number | bigint): string | undefined;
  function form(pairs: [name: string, value: string][]): string;
  function formPairs(body: string | Uint8Array): [name: string, value: string][];
}

export namespace binary {
  function fromHex(text: string): Uint8Array | undefined;
  function toHex(bytes: Uint8Array): string;
  function fromBase64(text: string): Uint8Array | undefined;
  function toBase64(bytes: Uint8Array): string;
}

export type Level = "debug" | "info" | "warn" | "error";
export function log(level: Level, message: string): void;
export function speakThrough(log: (level: Level, message: string) => void): void;

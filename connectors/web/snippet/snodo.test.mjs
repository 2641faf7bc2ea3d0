import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { runInNewContext } from "node:vm";

const source = readFileSync(new URL("snodo.js", import.meta.url), "utf8");

// As much of a browser as the snippet asks for.
function page(address = "https://lume.example/lamps?q=brass&utm_source=newsletter", kept = new Map()) {
  const sent = [];
  const handlers = {};
  const listen = (name, handler) => { handlers[name] = handler; };
  const location = new URL(address);
  const document = {
    currentScript: { dataset: { url: "https://hub.example/v1/batch", key: "k" } }, addEventListener: listen, title: "Lamps",
    referrer: "https://search.example/", documentElement: { lang: "it", scrollHeight: 2000 },
  };
  const window = { addEventListener: listen, scrollY: 0, innerHeight: 500 };
  const navigator = { onLine: true, language: "it-IT" };
  const take = (body) => sent.push(JSON.parse(body));
  navigator.sendBeacon = (_, body) => (take(body), true);
  const globals = {
    window, document, location, navigator, URL, URLSearchParams, crypto, Intl, setInterval() {}, devicePixelRatio: 2,
    screen: { width: 1200, height: 800 }, history: { pushState(_, __, to) { location.href = new URL(to, location).href; }, replaceState() {} },
    localStorage: { getItem: (name) => kept.get(name) ?? null, setItem: (name, value) => kept.set(name, value), removeItem: (name) => kept.delete(name) },
    fetch: async (_, { body }) => (take(body), { status: 200 }),
  };
  runInNewContext(source, globals);
  return { hub: window.snodo, window, sent, kept, handlers, globals };
}
const types = (sent) => sent.flatMap(({ batch }) => batch.map(({ type }) => type));
const node = (fields) => ({ id: "", dataset: {}, getAttribute: () => null, innerText: "", ...fields, closest() { return this; } });

test("before consent nothing is stored and nothing is sent", async () => {
  const { hub, sent, kept, handlers } = page();
  handlers.click({ target: node({ id: "buy", innerText: "Buy" }) });
  hub.track("product.viewed", { product: { id: "p-77" } });
  await hub.flush();
  handlers.pagehide();
  assert.equal(sent.length, 0);
  assert.equal(kept.size, 0);
});

test("with consent the page, the search and the visit are told", async () => {
  const { hub, sent, kept } = page();
  hub.consent({ analytics: "granted" });
  await hub.flush();
  assert.deepEqual(types(sent), ["session.started", "consent.updated", "page.viewed", "search.performed"]);
  const [{ writeKey, customer, campaign, consent, batch }] = sent;
  assert.equal(writeKey, "k");
  assert.equal(customer.anonymous_id, JSON.parse(kept.get("snodo-visitor")));
  assert.equal(campaign.source, "newsletter");
  assert.equal(consent.analytics, "granted");
  assert.equal(batch[3].search.query, "brass");
  assert.ok(batch.every(({ id, at }) => id && /[+-]\d\d:\d\d$/.test(at)));
  assert.equal(new Set(batch.map(({ id }) => id)).size, 4);
});

test("clicks, ways out, files and errors are told apart", async () => {
  const { hub, sent, handlers } = page();
  hub.consent({ analytics: "granted" });
  handlers.click({ target: node({ id: "buy", innerText: "Buy" }) });
  handlers.click({ target: node({ href: "https://other.example/x", innerText: "Partner" }) });
  handlers.click({ target: node({ href: "https://lume.example/catalogue.pdf", innerText: "Catalogue" }) });
  handlers.error({ message: "x is not defined", error: new Error("x"), filename: "https://lume.example/a.js" });
  await hub.flush();
  assert.deepEqual(types(sent).slice(4), ["element.clicked", "link.clicked_out", "content.downloaded", "error.seen"]);
});

test("a form is told by its fields, not by what is in them", async () => {
  const { hub, sent, handlers } = page();
  hub.consent({ analytics: "granted" });
  const form = node({ id: "contact", action: "/contact", elements: [] });
  form.elements.push({ name: "email", type: "email", value: "anna@example.com", form }, { name: "pin", type: "password", value: "1", form });
  handlers.focusin({ target: form.elements[0] });
  handlers.pagehide();
  handlers.focusin({ target: form.elements[0] });
  handlers.submit({ target: form });
  await hub.flush();
  assert.deepEqual(types(sent).slice(4), ["form.started", "form.abandoned", "form.started", "form.submitted"]);
  assert.ok(!JSON.stringify(sent).includes("anna@example.com"));
  const { form: told } = sent.at(-1).batch.at(-1);
  assert.deepEqual(told.fields, [{ name: "email", kind: "email" }]);
  assert.equal(told.filled, 1);
});

test("scroll marks are told once each", async () => {
  const { hub, sent, handlers, window } = page();
  hub.consent({ analytics: "granted" });
  handlers.scroll();
  handlers.scroll();
  window.scrollY = 600;
  handlers.scroll();
  await hub.flush();
  const marks = sent.flatMap(({ batch }) => batch).filter(({ type }) => type === "scroll.milestone");
  assert.deepEqual(marks.map(({ scroll }) => scroll.depth_percent), [25, 50]);
});

test("another address in the same page is another view", async () => {
  const { hub, sent, globals } = page("https://lume.example/");
  hub.consent({ analytics: "granted" });
  globals.history.pushState(null, "", "/sofas");
  await hub.flush();
  const views = sent.flatMap(({ batch }) => batch).filter(({ type }) => type === "page.viewed");
  assert.deepEqual(views.map(({ page: { path } }) => path), ["/", "/sofas"]);
});

test("consent taken back is the last that is told, and nothing stays", async () => {
  const { hub, sent, kept } = page();
  hub.consent({ analytics: "granted" });
  await hub.consent({ analytics: "withdrawn" });
  assert.deepEqual(types(sent), ["consent.updated"]);
  assert.equal(sent[0].batch[0].consent.analytics, "withdrawn");
  hub.track("page.viewed");
  await hub.flush();
  assert.equal(sent.length, 1);
  assert.equal(kept.size, 0);
});

// Tells a Snodo hub what a visitor does on a page. No dependencies. Before consent it stores nothing and sends nothing.
//   <script src="/snodo.js" data-url="https://hub.example.com/v1/batch" data-key="…" async></script>
//   <script>window.snodo = window.snodo || []; snodo.push(["consent", { analytics: "granted" }]);</script>
(function (window, document) {
  "use strict";
  const { url, key, search = "q,s,query" } = document.currentScript?.dataset ?? {};
  const BATCH_MAX = 40; // a browser lets a page that is going away send 64 KiB
  const BUFFER_MAX = 200; // then the oldest are let go
  const VISIT_MS = 30 * 60 * 1000; // who does nothing for so long begins a new visit
  const MARKS = [25, 50, 75, 100]; // percent of the page
  const FILES = /\.(pdf|zip|docx?|xlsx?|pptx?|csv|txt|mp3|mp4|dmg|exe|apk)$/i;
  const earlier = Array.isArray(window.snodo) ? window.snodo : [];
  const waiting = [];
  let agreed = read("snodo-consent") ?? {};
  let customer = {}, sending = false, sequence = 0, marks = [], openForms = new Map();

  function read(name) {
    try { return JSON.parse(localStorage.getItem(name)); } catch { return null; }
  }
  function write(name, value) {
    try { value === null ? localStorage.removeItem(name) : localStorage.setItem(name, JSON.stringify(value)); } catch { /* not allowed */ }
  }
  const may = () => agreed.analytics === "granted";

  // The clock of the visitor, with its offset.
  function local(date = new Date()) {
    const minutes = -date.getTimezoneOffset();
    const two = (number) => String(Math.floor(Math.abs(number))).padStart(2, "0");
    const clock = new Date(date.getTime() + minutes * 60000).toISOString().slice(0, -1);
    return `${clock}${minutes < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
  }

  function visitor() {
    const id = read("snodo-visitor") ?? crypto.randomUUID();
    write("snodo-visitor", id);
    return id;
  }

  function visit() {
    const now = Date.now();
    const last = read("snodo-visit");
    const goes_on = last && now - last.seen < VISIT_MS;
    const mine = goes_on ? last : { id: crypto.randomUUID(), started_at: local(), began: now, index: (last?.index ?? 0) + 1, page_views: 0 };
    write("snodo-visit", { ...mine, seen: now });
    if (!goes_on) {
      if (last) queue("session.ended", { at: local(new Date(last.seen)), session: ended(last) });
      queue("session.started", { session: { ...told(mine), first: mine.index === 1 } });
    }
    return mine;
  }
  const told = ({ id, started_at, index }) => ({ id, started_at, index });
  const ended = (last) => ({ ...told(last), ended_at: local(new Date(last.seen)), duration_ms: last.seen - last.began, page_views: last.page_views, end_reason: "timeout" });

  function campaign() {
    const query = new URLSearchParams(location.search);
    const found = {}, clicks = {};
    for (const [from, to] of [["utm_source", "source"], ["utm_medium", "medium"], ["utm_campaign", "name"], ["utm_term", "term"], ["utm_content", "content"], ["utm_id", "id"]]) {
      if (query.get(from)) found[to] = query.get(from);
    }
    for (const name of ["gclid", "fbclid", "msclkid", "ttclid"]) {
      if (query.get(name)) clicks[name] = query.get(name);
    }
    return { ...found, ...(Object.keys(clicks).length && { click_ids: clicks }) };
  }
  const page = () => ({ url: location.href, path: location.pathname, title: document.title, referrer: document.referrer, search: location.search, language: document.documentElement.lang });

  function queue(type, fields) {
    const offline = navigator.onLine === false && { buffered: true };
    waiting.push({ id: crypto.randomUUID(), type, at: local(), sequence: ++sequence, page: page(), ...offline, ...fields });
    waiting.splice(0, waiting.length - BUFFER_MAX);
  }

  function track(type, fields = {}) {
    if (!may()) return;
    const mine = visit();
    if (type === "page.viewed") write("snodo-visit", { ...mine, page_views: mine.page_views + 1, seen: Date.now() });
    queue(type, { session: told(mine), ...fields });
  }

  async function flush(leaving = false) {
    if (!may() || (sending && !leaving) || waiting.length === 0 || navigator.onLine === false) return;
    const batch = waiting.slice(0, BATCH_MAX);
    const body = JSON.stringify({
      writeKey: key, sent_at: local(), consent: agreed, customer: { anonymous_id: visitor(), ...customer },
      campaign: campaign(), device: { screen: { width_px: screen.width, height_px: screen.height, density: devicePixelRatio } },
      locale: navigator.language, timezone: Intl.DateTimeFormat().resolvedOptions().timeZone, batch,
    });
    sending = true;
    try {
      // As text/plain, which a browser sends to another site without asking it first.
      const beacon = leaving && navigator.sendBeacon?.(url, body);
      const status = beacon ? 200 : (await fetch(url, { method: "POST", body, keepalive: true, headers: { "content-type": "text/plain" } })).status;
      // What is refused for good is not sent again and again.
      if (status < 300 || [400, 413, 415, 422].includes(status)) waiting.splice(0, batch.length);
    } catch {
      // Kept for the next time.
    } finally {
      sending = false;
    }
  }

  function consent(purposes) {
    const before = may();
    agreed = { ...agreed, ...purposes };
    if (may()) {
      write("snodo-consent", agreed);
      track("consent.updated");
      if (!before) viewed();
    } else if (before) {
      // The last word of a visitor who had agreed: that they no longer do.
      waiting.length = 0;
      queue("consent.updated", { consent: agreed });
      agreed = { ...agreed, analytics: "granted" };
      const done = flush(true);
      agreed = { ...agreed, ...purposes };
      for (const name of ["snodo-visitor", "snodo-visit", "snodo-consent"]) write(name, null);
      customer = {};
      return done;
    }
  }

  function viewed() {
    marks = [...MARKS];
    track("page.viewed");
    const query = new URLSearchParams(location.search);
    const name = search.split(",").find((one) => query.get(one));
    if (name) track("search.performed", { search: { query: query.get(name) } });
  }

  const words = (node) => (node.innerText ?? node.textContent ?? "").trim().slice(0, 100) || undefined;
  const nameOf = (node) => node.dataset?.snodo || node.getAttribute?.("name") || node.getAttribute?.("aria-label") || undefined;

  function clicked({ target }) {
    const node = target.closest?.("a,button,[role=button],[data-snodo],input[type=submit]");
    if (!node) return;
    const link = node.href ? new URL(node.href, location.href) : null;
    const element = { id: node.id || undefined, name: nameOf(node), text: words(node), kind: link ? "link" : "button", url: link?.href, domain: link?.hostname };
    if (link && FILES.test(link.pathname)) {
      track("content.downloaded", { content: { file_name: link.pathname.split("/").pop(), url: link.href, title: words(node) } });
    } else if (link && /^https?:$/.test(link.protocol) && link.hostname !== location.hostname) {
      track("link.clicked_out", { element });
    } else {
      track("element.clicked", { element });
    }
  }

  // Which fields there are and how many were filled in; never what was written into them.
  function form(node) {
    const inputs = [...node.elements].filter((one) => one.name && !["hidden", "password", "submit", "button"].includes(one.type));
    return {
      id: node.id || undefined, name: nameOf(node) ?? node.action, purpose: node.dataset?.purpose, url: location.href,
      fields: inputs.map((one) => ({ name: one.name, kind: one.type })), filled: inputs.filter((one) => one.value || one.checked).length,
    };
  }
  function focused({ target }) {
    const node = target.form;
    if (!node || !may()) return;
    if (!openForms.has(node)) {
      openForms.set(node, { began: Date.now() });
      track("form.started", { form: form(node) });
    }
    openForms.get(node).last = target.name;
  }
  function submitted({ target }) {
    const opened = openForms.get(target);
    openForms.delete(target);
    track("form.submitted", { form: { ...form(target), ...(opened && { duration_ms: Date.now() - opened.began }) } });
  }

  function scrolled() {
    const root = document.documentElement;
    const seen = ((window.scrollY + window.innerHeight) / root.scrollHeight) * 100;
    while (marks.length && seen >= marks[0]) track("scroll.milestone", { scroll: { depth_percent: marks.shift(), direction: "vertical" } });
  }

  function left() {
    for (const [node, { began, last }] of openForms) {
      track("form.abandoned", { form: { ...form(node), last_field: last, duration_ms: Date.now() - began } });
    }
    openForms = new Map();
    flush(true);
  }

  const failed = (message, stack, url) => track("error.seen", { error: { kind: "javascript", message: String(message).slice(0, 500), stack: stack?.slice(0, 2000), url } });

  // A page that changes its address without loading is another page.
  for (const name of ["pushState", "replaceState"]) {
    const original = history[name];
    history[name] = function (...args) {
      const before = location.href;
      original.apply(this, args);
      if (location.href !== before) viewed();
    };
  }
  window.addEventListener("popstate", viewed);
  document.addEventListener("click", clicked, true);
  document.addEventListener("focusin", focused);
  document.addEventListener("submit", submitted, true);
  window.addEventListener("scroll", scrolled, { passive: true });
  window.addEventListener("error", ({ message, error, filename }) => failed(message, error?.stack, filename));
  window.addEventListener("unhandledrejection", ({ reason }) => failed(reason?.message ?? reason, reason?.stack));
  window.addEventListener("pagehide", left);
  setInterval(flush, 5000);

  const hub = {
    consent, track, flush, page: (fields) => track("page.viewed", fields && { page: { ...page(), ...fields } }),
    identify: (who) => { customer = { ...customer, ...who }; track("user.identified"); },
    push: ([name, ...args]) => hub[name](...args),
  };
  window.snodo = hub;
  if (may()) viewed();
  earlier.forEach(hub.push);
})(window, document);

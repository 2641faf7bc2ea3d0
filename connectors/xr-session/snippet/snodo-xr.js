// Tells a Snodo hub what happens in a WebXR session. No dependencies. Sends nothing before consent, and nothing about gaze, comfort or
// fit before consent to that. What could not be sent is kept and sent later; the id of each event lets the hub drop what it has.

const BATCH_MAX = 40; // a browser lets a page that is going away send 64 KiB
const BUFFER_MAX = 500; // then the oldest are let go
const SENSITIVE = ["object.gazed", "comfort.reported", "product.tried_on"];

export function snodoXr({ url, socket, writeKey, context = {}, target = () => null, every = 5000, store = globalThis.localStorage, name = "snodo-xr" }) {
  const shared = { ...context };
  const agreed = {};
  const buffer = read(store, `${name}-buffer`, []);
  let session = {}, sequence = 0, sending = false, wire = null;

  function track(type, fields = {}) {
    if (agreed.analytics !== "granted" || (SENSITIVE.includes(type) && agreed.sensitive !== "granted")) return null;
    const offline = globalThis.navigator?.onLine === false;
    const event = { id: crypto.randomUUID(), type, at: local(new Date()), sequence: ++sequence, ...(offline && { buffered: true }), ...session, ...fields };
    buffer.push(event);
    buffer.splice(0, buffer.length - BUFFER_MAX);
    keep();
    return event.id;
  }

  function consent(purposes) {
    Object.assign(agreed, purposes);
    if (agreed.analytics === "granted") {
      shared.customer = { anonymous_id: visitor(store, name), ...shared.customer };
    } else {
      buffer.length = 0;
      keep();
    }
  }

  // Hooks a session of navigator.xr.requestSession(mode). `target(event)` says which object was pointed at: {id, name, product}.
  function attach(xr, { mode, scene } = {}) {
    const started = Date.now();
    const mine = { id: crypto.randomUUID(), started_at: local(new Date()) };
    let state = xr.visibilityState;
    session = { session: mine, mode, ...(scene && { scene }) };
    const inputs = () => {
      const hands = [...(xr.inputSources ?? [])].some((source) => source.hand);
      shared.device = { ...shared.device, tracking: hands ? "hands" : "controllers" };
    };
    const pointed = (type) => (event) => {
      const object = target(event);
      // Without an object a pinch says nothing about the customer.
      if (object) track(type, { object: { input: event.inputSource?.hand ? "hand" : "controller", ...object } });
    };
    xr.addEventListener("inputsourceschange", inputs);
    xr.addEventListener("select", pointed("object.selected"));
    xr.addEventListener("squeezestart", pointed("object.grabbed"));
    xr.addEventListener("squeezeend", pointed("object.released"));
    xr.addEventListener("visibilitychange", () => {
      track("visibilitychange", { state: xr.visibilityState, previous_state: state });
      state = xr.visibilityState;
    });
    xr.addEventListener("end", () => {
      track("session.ended", { session: { ...mine, ended_at: local(new Date()), duration_ms: Date.now() - started } });
      session = {};
      flush(true);
    });
    inputs();
    track("session.started");
  }

  async function flush(leaving = false) {
    if (sending || buffer.length === 0 || globalThis.navigator?.onLine === false) return;
    const batch = buffer.slice(0, BATCH_MAX);
    const body = JSON.stringify({ ...(writeKey && { writeKey }), ...shared, consent: agreed, sent_at: local(new Date()), batch });
    sending = true;
    try {
      if (await (socket ? bySocket(body) : byHttp(body, leaving))) {
        buffer.splice(0, batch.length);
        keep();
      }
    } catch {
      // Kept for the next time.
    } finally {
      sending = false;
    }
  }

  async function byHttp(body, leaving) {
    // As text/plain, which a browser sends to another site without asking it first.
    if (leaving && globalThis.navigator?.sendBeacon?.(url, body)) return true;
    const answer = await fetch(url, { method: "POST", body, keepalive: true, headers: { "content-type": "text/plain" } });
    // What is refused for good is not sent again and again.
    return answer.ok || [400, 413, 415, 422].includes(answer.status);
  }

  async function bySocket(body) {
    if (!wire || wire.readyState > 1) wire = new WebSocket(socket);
    if (wire.readyState !== 1) return false;
    wire.send(body);
    return true;
  }

  function keep() {
    try { store?.setItem(`${name}-buffer`, JSON.stringify(buffer)); } catch { /* no room, or not allowed */ }
  }

  const timer = setInterval(flush, every);
  globalThis.addEventListener?.("pagehide", () => flush(true));
  globalThis.addEventListener?.("online", () => flush());
  return {
    attach, track, consent, flush,
    identify: (customer) => { shared.customer = { ...shared.customer, ...customer }; track("user.identified"); },
    stop: () => { clearInterval(timer); wire?.close(); },
  };
}

function read(store, key, otherwise) {
  try { return JSON.parse(store?.getItem(key)) ?? otherwise; } catch { return otherwise; }
}

function visitor(store, name) {
  const known = read(store, `${name}-visitor`, null) ?? crypto.randomUUID();
  try { store?.setItem(`${name}-visitor`, JSON.stringify(known)); } catch { /* for this visit only */ }
  return known;
}

// The clock of the customer, with its offset: 2026-04-10T17:30:00.250+02:00.
function local(date) {
  const minutes = -date.getTimezoneOffset();
  const two = (number) => String(Math.floor(Math.abs(number))).padStart(2, "0");
  const clock = new Date(date.getTime() + minutes * 60000).toISOString().slice(0, -1);
  return `${clock}${minutes < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
}

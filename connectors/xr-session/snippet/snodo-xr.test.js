import assert from "node:assert/strict";
import { test } from "node:test";
import { snodoXr } from "./snodo-xr.js";

function stage(answer = 200) {
  const kept = new Map();
  const sent = [];
  globalThis.fetch = async (url, { body }) => {
    sent.push({ url, ...JSON.parse(body) });
    return { ok: answer === 200, status: answer };
  };
  const store = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) };
  const target = () => ({ id: "lamp-1", name: "Lamp Sole" });
  const hub = snodoXr({ url: "https://hub.example/v1/batch", writeKey: "k", context: { app: { name: "Lume" } }, target, store });
  const xr = Object.assign(new EventTarget(), { visibilityState: "visible", inputSources: [] });
  return { hub, xr, sent, kept, store };
}

test("nothing is told before consent", async (t) => {
  const { hub, xr, sent } = stage();
  t.after(hub.stop);
  hub.attach(xr, { mode: "immersive-vr" });
  await hub.flush();
  assert.equal(sent.length, 0);
});

test("a session is told from its start to its end", async (t) => {
  const { hub, xr, sent } = stage();
  t.after(hub.stop);
  hub.consent({ analytics: "granted" });
  hub.attach(xr, { mode: "immersive-vr", scene: { id: "loft" } });
  xr.dispatchEvent(new Event("select"));
  xr.dispatchEvent(new Event("squeezestart"));
  xr.dispatchEvent(new Event("squeezeend"));
  xr.visibilityState = "visible-blurred";
  xr.dispatchEvent(new Event("visibilitychange"));
  xr.dispatchEvent(new Event("end"));
  await hub.flush();
  const [{ writeKey, customer, batch, consent }] = sent;
  assert.deepEqual(batch.map(({ type }) => type), [
    "session.started", "object.selected", "object.grabbed", "object.released", "visibilitychange", "session.ended",
  ]);
  assert.equal(writeKey, "k");
  assert.equal(consent.analytics, "granted");
  assert.ok(customer.anonymous_id);
  assert.equal(new Set(batch.map(({ id }) => id)).size, batch.length);
  assert.ok(batch.every(({ at, session }) => /[+-]\d\d:\d\d$/.test(at) && session.id === batch[0].session.id));
  assert.deepEqual([batch[4].state, batch[4].previous_state], ["visible-blurred", "visible"]);
});

test("gaze, comfort and fit want a consent of their own", (t) => {
  const { hub } = stage();
  t.after(hub.stop);
  hub.consent({ analytics: "granted" });
  assert.equal(hub.track("object.gazed", { object: { id: "lamp-1", gaze_ms: 900 } }), null);
  hub.consent({ sensitive: "granted" });
  assert.ok(hub.track("object.gazed", { object: { id: "lamp-1", gaze_ms: 900 } }));
});

test("what was not taken is kept, and is the same when it is sent again", async (t) => {
  const { hub, sent, kept, store } = stage(503);
  t.after(hub.stop);
  hub.consent({ analytics: "granted" });
  const id = hub.track("scene.entered", { scene: { id: "loft" } });
  await hub.flush();
  assert.equal(sent[0].batch[0].id, id);
  assert.equal(JSON.parse(kept.get("snodo-xr-buffer"))[0].id, id);
  const again = stage();
  t.after(again.hub.stop);
  const later = snodoXr({ url: "https://hub.example/v1/batch", store });
  t.after(later.stop);
  later.consent({ analytics: "granted" });
  await later.flush();
  assert.equal(again.sent[0].batch[0].id, id);
});

test("consent taken back empties what was kept", (t) => {
  const { hub, kept } = stage();
  t.after(hub.stop);
  hub.consent({ analytics: "granted" });
  hub.track("scene.entered", { scene: { id: "loft" } });
  hub.consent({ analytics: "withdrawn" });
  assert.equal(kept.get("snodo-xr-buffer"), "[]");
});

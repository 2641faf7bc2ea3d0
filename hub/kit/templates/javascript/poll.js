// The vendor's alerts, fetched: page by page those that have changed since the last time.

import { answerJson, ask, config, definePoll, draft, fault, isSuccess, page, retry, state } from "snodo-connector";

/** The vendor's clock may be behind. What is fetched twice for it has the same key, and is a duplicate. */
const OVERLAP_MS = 60_000;

/** What of a record is mapped, all of it text. Write it after the vendor's documentation. */
const MAPPED = ["id", "device", "code", "at"];

export const poll = definePoll({
  next(ctx, cursor, reply) {
    // How far it has come: what changed before `since` is known, `page` is where this walk goes on, `begun` when it began.
    const { since, page: number, begun } = cursor ? JSON.parse(new TextDecoder().decode(cursor)) : { since: 0 };
    if (!reply) {
      const { list_url: url = "https://api.example.com/v1/alerts" } = config(ctx);
      const target = `${url}?updated_since=${since}${number === undefined ? "" : `&page=${number}`}`;
      return ask({ method: "GET", target, headers: [], body: new Uint8Array() }, begun ?? ctx.now);
    }
    // What the status says by HTTP's own rules: 429 waits, 5xx is tried again, 401 wants another credential.
    if (!isSuccess(reply.answer)) throw fault(reply.answer, "the vendor refused the list");
    const { alerts, next_page: next = null } = answerJson(reply.answer) ?? {};
    const isLast = next === null;
    if (!Array.isArray(alerts) || !(isLast || Number.isInteger(next))) throw retry("the vendor's answer is no list of alerts");
    const events = alerts.map(event);
    // When the question was asked nobody knows any more but its state.
    const asked = state(reply);
    if (!isLast) return page({ events, cursor: kept({ since, page: next, begun: asked }), more: true });
    // What changed while the pages were fetched is found by the next walk.
    return page({ events, cursor: kept({ since: Math.max(asked - OVERLAP_MS, 0) }) });
  },
});

const kept = (cursor) => new TextEncoder().encode(JSON.stringify(cursor));

/** A record that the mapping does not know is kept whole, never dropped. */
function event(record) {
  if (!MAPPED.every((name) => typeof record?.[name] === "string")) {
    const key = typeof record?.id === "string" ? record.id : undefined;
    return draft("unknown.message.received", { body: record, encoding: "json" }, { key });
  }
  const { id, device, code, at, ...rest } = record;
  const data = { device: { id: device, class: "iot" }, alert: { code } };
  // Whatever is not mapped is kept, so that nothing is lost.
  if (Object.keys(rest).length > 0) data.vendor = rest;
  // The key is the vendor's own id: fetched again, it is a duplicate. The time has its offset, as RFC 3339 has it.
  return draft("iot.alert.raised", data, { key: id, subject: `device/${device}`, time: at });
}

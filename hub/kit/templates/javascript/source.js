// The vendor's messages as canonical events.

import { config, defineSource, draft, json } from "snodo-connector";

/** What of a message is mapped, all of it text. Write it after the vendor's documentation. */
const MAPPED = ["id", "device", "code", "at"];

export const source = defineSource({
  decode(ctx, message) {
    const { severity = "info" } = config(ctx);
    const body = json(message);
    if (!MAPPED.every((name) => typeof body?.[name] === "string")) return [unknown(body)];
    const { id, device, code, at, ...rest } = body;
    const data = { device: { id: device, class: "iot" }, alert: { code, severity } };
    // Whatever is not mapped is kept, so that nothing is lost.
    if (Object.keys(rest).length > 0) data.vendor = rest;
    // The key is the vendor's own id: told again, it is a duplicate. The time has its offset, as RFC 3339 has it.
    return [draft("iot.alert.raised", data, { key: id, subject: `device/${device}`, time: at })];
  },
});

/** A message that the mapping does not know is kept whole, never dropped. */
const unknown = (body) => draft("unknown.message.received", { body, encoding: "json" });

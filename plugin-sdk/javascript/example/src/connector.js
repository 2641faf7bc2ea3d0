// Typeform's webhook: one message is one submitted response.

import { config, defineSource, draft, json, known, permanent, text } from "snodo-connector";
import { customer } from "./customer.js";
import { survey } from "./survey.js";

export const source = defineSource({
  decode(ctx, message) {
    const payload = json(message);
    const response = payload?.form_response;
    if (payload?.event_type !== "form_response") return [unknown(payload, message)];
    if (!response?.form_id) throw permanent("a response without the id of its form", "/form_response/form_id");
    const odd = (response.answers ?? []).findIndex((answer) => typeof answer?.field?.id !== "string");
    if (odd !== -1) throw permanent("an answer that names no question", `/form_response/answers/${odd}/field/id`);

    const settings = config(ctx);
    const body = known({
      customer: customer(response, settings),
      touchpoint: { channel: "survey", mode: "online" },
      survey: survey(response, settings),
      vendor: vendor(response),
    });
    return [
      draft("voc.survey.completed", body, {
        // Typeform sends an event again until it is taken, and a response has one token however often that happens.
        key: response.token ?? payload.event_id,
        subject: `survey/${response.form_id}`,
        time: response.submitted_at,
      }),
    ];
  },
});

const unknown = (payload, message) =>
  payload === null
    ? draft("unknown.message.received", { body: text(message), encoding: "text" })
    : draft(
        "unknown.message.received",
        known({ topic: payload.event_type, body: payload, encoding: "json" }),
        { key: payload.event_id },
      );

/** What has no place of its own. */
const vendor = ({ hidden, variables, calculated, ending, metadata }) =>
  known({ hidden: known(hidden ?? {}), variables, calculated, ending, metadata });

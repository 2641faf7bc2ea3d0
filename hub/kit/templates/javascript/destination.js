// Canonical events as the vendor's requests, and its answers as outcomes.

import { accepted, config, data, defineDestination, failed, fault, isSuccess, jsonRequest, Plan } from "snodo-connector";

export const destination = defineDestination({
  // One request for each event. A vendor that takes several at once is called once for all of them: less is sent.
  encode(ctx, deliveries) {
    const { url } = config(ctx);
    const plan = new Plan();
    deliveries.forEach(({ event, idempotencyKey }, place) => {
      const body = { id: event.id, type: event.kind, data: data(event) };
      // The same for every attempt, so that the vendor can tell a repetition.
      plan.call(jsonRequest("POST", url, body, { "idempotency-key": idempotencyKey }), [place]);
    });
    return plan;
  },

  interpret(ctx, { answer, deliveries }) {
    // What the status says by HTTP's own rules: 429 waits, 5xx is tried again, 401 wants another credential.
    const outcome = isSuccess(answer) ? accepted() : failed(fault(answer, "the vendor refused it"));
    return Plan.settleAll(deliveries.length, outcome);
  },
});

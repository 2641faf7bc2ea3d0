"""Canonical events as the vendor's requests, and its answers as outcomes."""

import snodo_connector as snodo


class ToVendor(snodo.Destination):
    def encode(self, ctx: snodo.Context, deliveries: list[snodo.Delivery]) -> snodo.Plan:
        """One request for each event. A vendor that takes several at once is called once for all of them: less is sent."""
        url = snodo.config(ctx)["url"]
        plan = snodo.Plan()
        for place, delivery in enumerate(deliveries):
            event = delivery.event
            body = {"id": event.id, "type": event.kind, "data": snodo.data(event)}
            # The same for every attempt, so that the vendor can tell a repetition.
            headers = {"idempotency-key": delivery.idempotency_key}
            plan.call(snodo.json_request("POST", url, body, headers), [place])
        return plan

    def interpret(self, ctx: snodo.Context, exchange: snodo.Exchange) -> snodo.Plan:
        # What the status says by HTTP's own rules: 429 waits, 5xx is tried again, 401 wants another credential.
        answer = exchange.answer
        taken = snodo.is_success(answer)
        outcome = snodo.accepted() if taken else snodo.failed(snodo.fault(answer, "the vendor refused it"))
        return snodo.Plan.settle_all(len(exchange.deliveries), outcome)


destination = ToVendor()

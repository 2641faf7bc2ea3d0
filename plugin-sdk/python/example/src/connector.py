"""Slack's incoming webhook: one event is one message.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
"""

import snodo_connector as snodo
from answer import outcome
from message import message

WEBHOOK = "https://hooks.slack.com/services/{{secret:webhook_path}}"
"""Whoever knows a webhook's address can post to it, so what makes it this one is a secret, which the hub fills in."""


class Slack(snodo.Destination):
    def encode(self, ctx: snodo.Context, deliveries: list[snodo.Delivery]) -> snodo.Plan:
        settings = snodo.config(ctx)
        plan = snodo.Plan()
        for place, delivery in enumerate(deliveries):
            body = message(delivery.event, settings)
            plan.call(snodo.json_request("POST", WEBHOOK, body), [place])
        return plan

    def interpret(self, ctx: snodo.Context, exchange: snodo.Exchange) -> snodo.Plan:
        return snodo.Plan.settle_all(len(exchange.deliveries), outcome(exchange.answer))


destination = Slack()

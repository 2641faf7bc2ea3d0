"""Alerts without the customer: for those who mend devices and need not know whose they are."""

import snodo_connector as snodo

PERSONAL = ("customer", "consent")
"""What is left out."""


class WithoutCustomer(snodo.Transform):
    def apply(self, ctx: snodo.Context, event: snodo.Event) -> list[snodo.Draft]:
        data = {name: value for name, value in snodo.data(event).items() if name not in PERSONAL}
        # Made of the same event again, it is the same one. Of several that are made of one each needs a key of its own.
        return [snodo.draft(event.kind, data, key=event.id, subject=event.subject, time=event.time)]


transform = WithoutCustomer()

"""The vendor's messages as canonical events."""

import snodo_connector as snodo

MAPPED = ("id", "device", "code", "at")
"""What of a message is mapped, all of it text. Write it after the vendor's documentation."""


class FromVendor(snodo.Source):
    def decode(self, ctx: snodo.Context, message: snodo.Message) -> list[snodo.Draft]:
        severity = snodo.config(ctx).get("severity", "info")
        body = snodo.json(message)
        if not (isinstance(body, dict) and all(isinstance(body.get(name), str) for name in MAPPED)):
            return [unknown(body)]
        data = {
            "device": {"id": body["device"], "class": "iot"},
            "alert": {"code": body["code"], "severity": severity},
        }
        # Whatever is not mapped is kept, so that nothing is lost.
        rest = {name: value for name, value in body.items() if name not in MAPPED}
        if rest:
            data["vendor"] = rest
        # The key is the vendor's own id: told again, it is a duplicate. The time has its offset, as RFC 3339 has it.
        return [
            snodo.draft(
                "iot.alert.raised", data, key=body["id"], subject=f"device/{body['device']}", time=body["at"]
            )
        ]


def unknown(body: object) -> snodo.Draft:
    """A message that the mapping does not know is kept whole, never dropped."""
    return snodo.draft("unknown.message.received", {"body": body, "encoding": "json"})


source = FromVendor()

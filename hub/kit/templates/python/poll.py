"""The vendor's alerts, fetched: page by page those that have changed since the last time."""

import json

import snodo_connector as snodo

OVERLAP_MS = 60_000
"""The vendor's clock may be behind. What is fetched twice for it has the same key, and is a duplicate."""

MAPPED = ("id", "device", "code", "at")
"""What of a record is mapped, all of it text. Write it after the vendor's documentation."""


class FromList(snodo.Poll):
    def next(self, ctx: snodo.Context, cursor: bytes | None, reply: snodo.Reply | None) -> snodo.Step:
        # How far it has come: what changed before "since" is known, "page" is where this walk goes on, "begun" when it began.
        come = json.loads(cursor) if cursor else {"since": 0}
        if reply is None:
            url = snodo.config(ctx).get("list_url", "https://api.example.com/v1/alerts")
            page = f"&page={come['page']}" if "page" in come else ""
            request = snodo.Request("GET", f"{url}?updated_since={come['since']}{page}", [], b"")
            return snodo.ask(request, come.get("begun", ctx.now))
        if not snodo.is_success(reply.answer):
            # What the status says by HTTP's own rules: 429 waits, 5xx is tried again, 401 wants another credential.
            raise snodo.fault(reply.answer, "the vendor refused the list")
        answer = snodo.answer_json(reply.answer)
        alerts, following = (answer.get("alerts"), answer.get("next_page")) if isinstance(answer, dict) else (None, None)
        if not (isinstance(alerts, list) and (following is None or type(following) is int)):
            raise snodo.retry("the vendor's answer is no list of alerts")
        events = [event(record) for record in alerts]
        # When the question was asked nobody knows any more but its state.
        begun = snodo.state(reply)
        if following is not None:
            return snodo.page(events, cursor=kept(since=come["since"], page=following, begun=begun), more=True)
        # What changed while the pages were fetched is found by the next walk.
        return snodo.page(events, cursor=kept(since=max(begun - OVERLAP_MS, 0)))


def kept(**cursor: int) -> bytes:
    return json.dumps(cursor).encode()


def event(record: object) -> snodo.Draft:
    """A record that the mapping does not know is kept whole, never dropped."""
    fields = record if isinstance(record, dict) else {}
    if not all(isinstance(fields.get(name), str) for name in MAPPED):
        key = fields["id"] if isinstance(fields.get("id"), str) else None
        return snodo.draft("unknown.message.received", {"body": record, "encoding": "json"}, key=key)
    data = {"device": {"id": fields["device"], "class": "iot"}, "alert": {"code": fields["code"]}}
    # Whatever is not mapped is kept, so that nothing is lost.
    rest = {name: value for name, value in fields.items() if name not in MAPPED}
    if rest:
        data["vendor"] = rest
    # The key is the vendor's own id: fetched again, it is a duplicate. The time has its offset, as RFC 3339 has it.
    return snodo.draft(
        "iot.alert.raised", data, key=fields["id"], subject=f"device/{fields['device']}", time=fields["at"]
    )


poll = FromList()

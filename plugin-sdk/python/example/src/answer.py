"""What Slack's answers mean. An error is a word as plain text, and the status sorts it:
https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks

A webhook has no credential but its address, so whatever forbids it is the channel's to mend.
"""

import re

import snodo_connector as snodo

CHANNEL_AT_FAULT = {403, 404, 410}
"""action_prohibited; channel_not_found and no_service; channel_is_archived."""


def outcome(answer: snodo.Answer) -> snodo.Outcome:
    if snodo.is_success(answer):
        return snodo.accepted()
    said = word(answer)
    told = f"Slack answered {answer.status}" + (f": {said}" if said else "")
    if answer.status in CHANNEL_AT_FAULT or said == "user_not_found":
        return snodo.failed(snodo.misconfigured(f"{told}: check the webhook in Slack, and the secret webhook_path"))
    return snodo.failed(snodo.fault(answer, told))


def word(answer: snodo.Answer) -> str | None:
    """Slack's word for it; anything else might quote what was sent."""
    said = snodo.text(answer).strip()
    return said if re.fullmatch(r"[a-z_]{1,40}", said) else None

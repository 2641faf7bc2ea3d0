"""Brings mail to a server as Python's own library does. Arguments: the port, and a list as JSON: from, to (a list), mail (text with
its headers), and ca: a file, to speak STARTTLS. Prints a list of what was answered: 250, or the code of the refusal."""

import json
import smtplib
import ssl
import sys


def bring(port, item):
    with smtplib.SMTP("localhost", port, local_hostname="client.example", timeout=30) as client:
        if "ca" in item:
            client.starttls(context=ssl.create_default_context(cafile=item["ca"]))
        # Lines of mail end so; the library sees to it for plain ASCII only.
        mail = item["mail"].replace("\n", "\r\n").encode()
        client.sendmail(item["from"], item["to"], mail)
    return 250


def code(port, item):
    try:
        return bring(port, item)
    except smtplib.SMTPRecipientsRefused as refused:
        return next(iter(refused.recipients.values()))[0]
    except smtplib.SMTPResponseException as refused:
        return refused.smtp_code


print(json.dumps([code(int(sys.argv[1]), item) for item in json.loads(sys.argv[2])]))

"""A mail server that takes what it is told to take. Prints its port, and then a line of JSON for each mail. Its one argument is JSON:
refuse: addresses and the answers to them ({"a@b": "550 no"}); login: [user, password], or none; certificate, key: files for
TLS; tls: "starttls" or "required", or none; port: or any."""

import json
import socket
import ssl
import sys
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

options = json.loads(sys.argv[1])
refuse = options.get("refuse", {})


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if address in refuse:
            return refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "content": envelope.original_content.decode("utf-8", "replace"),
            "encrypted": session.ssl is not None or options.get("tls") == "required",
            "login": session.authenticated,
        }
        print(json.dumps(mail), flush=True)
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    fits = [data.login.decode(), data.password.decode()] == options["login"]
    # What is not handled the library refuses.
    return AuthResult(success=fits, handled=fits)


context = None
if options.get("tls"):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(options["certificate"], options["key"])
login = {}
if options.get("login"):
    login = {"authenticator": authenticate, "auth_required": True, "auth_require_tls": bool(context)}


class Server(Controller):
    def factory(self):
        encrypted = {"tls_context": context, "require_starttls": True} if options.get("tls") == "starttls" else {}
        server = SMTP(self.handler, hostname="localhost", **login, **encrypted)
        if options.get("tls") == "required":
            # What is encrypted from the first byte looks to the library as if it were not.
            server._auth_require_tls = False
        return server

    def _trigger_server(self):
        # The library's own way knows a fixed port only.
        socket.create_connection(self.server.sockets[0].getsockname()).close()


required = {"ssl_context": context} if options.get("tls") == "required" else {}
server = Server(Handler(), hostname="127.0.0.1", port=options.get("port", 0), ready_timeout=20, **required)
server.start()
print(server.server.sockets[0].getsockname()[1], flush=True)
threading.Event().wait()

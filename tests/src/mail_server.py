"""A mail server on loopback, as aiosmtpd is one: STARTTLS or TLS, a login, and nothing is sent on.

Says `listening PORT`, then one line of JSON for each message it takes. The mailbox `gone@` is refused for good,
`full@` for now, and `busy@` once; `slow@` is never answered.
"""

import asyncio
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

MODE, CERTIFICATE, KEY, USER, PASSWORD = sys.argv[1:6]


def say(text):
    print(text, flush=True)


class Keep:
    was_busy = False

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("gone@"):
            return "550 5.1.1 no such mailbox"
        if address.startswith("full@"):
            return "452 4.2.2 the mailbox is full"
        if address.startswith("slow@"):
            await asyncio.Event().wait()
        if address.startswith("busy@") and not self.was_busy:
            self.was_busy = True
            return "450 4.2.1 the mailbox is busy"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        say(
            json.dumps(
                {
                    "from": envelope.mail_from,
                    "to": envelope.rcpt_tos,
                    "tls": server.transport.get_extra_info("sslcontext") is not None,
                    "login": session.authenticated,
                    "text": envelope.content.decode("utf-8", "replace"),
                }
            )
        )
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    good = data.login == USER.encode() and data.password == PASSWORD.encode()
    return AuthResult(success=good, handled=False)


KEEP = Keep()


def server(context):
    return SMTP(
        KEEP,
        hostname="mail.example",
        tls_context=context if MODE == "starttls" else None,
        require_starttls=MODE == "starttls",
        auth_required=True,
        auth_require_tls=MODE == "starttls",
        authenticator=authenticate,
    )


async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, KEY)
    outer = context if MODE == "tls" else None
    listening = await asyncio.get_running_loop().create_server(
        lambda: server(context), "127.0.0.1", 0, ssl=outer
    )
    say(f"listening {listening.sockets[0].getsockname()[1]}")
    await listening.serve_forever()


asyncio.run(main())

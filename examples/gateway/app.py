"""An app that knows nothing of OAuth: who is there stands in its request's headers."""

import html
import http.server
import os
import urllib.parse

HEAD = '<title>App</title><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'


class App(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        # The gateway encodes what is not ASCII, as in a URL.
        told = {name: urllib.parse.unquote(self.headers.get("X-Wayleave-" + name, "")) for name in ("Name", "Email", "Groups")}
        if told["Name"]:
            text = f"Hello {told['Name']} <{told['Email']}>, this is {self.path}. Your groups: {told['Groups'] or 'none'}."
            link = '<a href="/auth/account">Your account</a> <a href="/auth/logout">Sign out</a>'
        else:
            text, link = f"Hello stranger, this is {self.path}.", '<a href="/private">A page for people who signed in</a>'
        body = f"<!doctype html>{HEAD}<p>{html.escape(text)}</p><p>{link}</p>\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


# On this machine alone: whoever reaches the app past the gateway can be anybody.
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "3000"))), App).serve_forever()

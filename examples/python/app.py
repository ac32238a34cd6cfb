"""A Flask app that people sign in to with Latchkey: docs/apps/python.md explains it."""

import os
import secrets
from urllib.parse import urlencode, urlsplit

from authlib.integrations.flask_client import OAuth
from flask import Flask, redirect, session, url_for
from markupsafe import escape

ISSUER = os.environ["OIDC_ISSUER"]
REDIRECT_URI = os.environ["OIDC_REDIRECT_URI"]
HOME = "{0.scheme}://{0.netloc}/".format(urlsplit(REDIRECT_URI))

app = Flask(__name__)
app.secret_key = os.environ.get("SESSION_SECRET") or secrets.token_hex(32)
# Cookies know no ports: another app on this machine must not have the same.
app.config["SESSION_COOKIE_NAME"] = "python-app"

# The tokens of each session. Flask's cookie can be read, so it holds none; a real app has a table for them.
kept = {}

# Everything else is found from the issuer.
latchkey = OAuth(app).register(
    "latchkey",
    server_metadata_url=f"{ISSUER}/.well-known/openid-configuration",
    client_id=os.environ["OIDC_CLIENT_ID"],
    client_secret=os.environ["OIDC_CLIENT_SECRET"],
    client_kwargs={"scope": "openid profile email offline_access", "code_challenge_method": "S256"},
)


@app.get("/")
def home():
    user = session.get("user")
    if not user:
        return '<!DOCTYPE html><title>Python</title><h1>Hello</h1><p><a href="/sign-in">Sign in</a></p>'
    return (
        f'<!DOCTYPE html><title>Python</title><h1>Hello, <span id="name">{escape(user["name"])}</span></h1>'
        f'<p id="sub">{escape(user["sub"])}</p>'
        '<p><a href="/refresh">Refresh</a> <a href="/sign-out">Sign out</a></p>'
    )


@app.get("/sign-in")
def sign_in():
    return latchkey.authorize_redirect(REDIRECT_URI)


@app.get(urlsplit(REDIRECT_URI).path)
def callback():
    token = latchkey.authorize_access_token()
    session["user"] = {"sub": token["userinfo"]["sub"], "name": token["userinfo"]["name"]}
    session["id"] = secrets.token_urlsafe()
    kept[session["id"]] = {"refresh": token["refresh_token"], "id_token": token["id_token"]}
    return redirect(url_for("home"))


@app.get("/refresh")
def refresh():
    mine = kept.get(session.get("id"))
    if not mine:
        return redirect(url_for("home"))
    token = latchkey.fetch_access_token(grant_type="refresh_token", refresh_token=mine["refresh"])
    mine["refresh"] = token["refresh_token"]
    return f'<p id="refreshed">{escape(latchkey.userinfo(token=token)["sub"])}</p>'


@app.get("/sign-out")
def sign_out():
    mine = kept.pop(session.get("id"), None)
    session.clear()
    wish = {"post_logout_redirect_uri": HOME, "client_id": latchkey.client_id}
    if mine:
        wish["id_token_hint"] = mine["id_token"]
    metadata = latchkey.load_server_metadata()
    return redirect(f"{metadata['end_session_endpoint']}?{urlencode(wish)}")


if __name__ == "__main__":
    app.run("127.0.0.1", urlsplit(REDIRECT_URI).port)

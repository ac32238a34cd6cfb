"""A client as a user of the API would write it, with what openapi-python-client makes of the document."""

from latchkey_client import AuthenticatedClient, Client
from latchkey_client.api.accounts import sign_in
from latchkey_client.api.your_account import history
from latchkey_client.models import HistoryPage, SignedInAccount, SignInBody


def token_of(username: str, password: str) -> str:
    client = Client(base_url="https://accounts.example.org")
    answer = sign_in.sync(client=client, body=SignInBody(username=username, password=password))
    assert isinstance(answer, SignedInAccount)
    return answer.access_token


def years_of_events(token: str) -> list[int]:
    client = AuthenticatedClient(base_url="https://accounts.example.org", token=token)
    answer = history.sync(client=client, limit=10)
    assert isinstance(answer, HistoryPage)
    return [entry.at.year for entry in answer.history]

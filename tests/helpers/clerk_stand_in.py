"""A stand-in for the part of Clerk's REST API that the recipes use: users, one at a time or in pages."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from clerk_webhook_verify.testing import sample


class ClerkStandIn:
    """Users in memory, behind a real server. `after_page` is called when a page has been read, before it is sent."""

    def __init__(self) -> None:
        self.users: dict[str, dict] = {}
        self.requests: list[str] = []
        self.rejected = 0  # how many of the next requests get 429
        self.after_page: Callable[[], None] = lambda: None
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, answer = stand_in._answer(self.path)
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                if status == 429:
                    self.send_header("Retry-After", "0.01")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.01])

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def client(self, retries):
        from clerk_backend_api import Clerk

        url = f"http://127.0.0.1:{self._server.server_port}/v1"
        return Clerk(bearer_auth="sk_test_1", server_url=url, retry_config=retries)

    def add(self, user_id: str, **fields: object) -> None:
        fields = {"created_at": 1_700_000_000_000 + len(self.users)} | fields
        self.users[user_id] = sample("user.created", id=user_id, **fields)["data"]

    def remove(self, user_id: str) -> None:
        del self.users[user_id]

    def _answer(self, url: str) -> tuple[int, object]:
        self.requests.append(url)
        if self.rejected:
            self.rejected -= 1
            return 429, {"errors": [{"message": "slow down", "long_message": "slow down", "code": "too_many_requests"}]}
        path, query = urlsplit(url).path, {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        if path == "/v1/users":
            assert query["order_by"] == "created_at"
            after, offset, limit = (int(query[name]) for name in ("created_at_after", "offset", "limit"))
            found = [user for user in self.users.values() if user["created_at"] > after]
            found.sort(key=lambda user: (user["created_at"], user["id"]))
            page = found[offset : offset + limit]
            self.after_page()
            return 200, page
        user = self.users.get(path.removeprefix("/v1/users/"))
        if user is None:
            return 404, {"errors": [{"message": "not found", "long_message": "no user", "code": "resource_not_found"}]}
        return 200, user

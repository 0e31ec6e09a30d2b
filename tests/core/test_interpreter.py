"""The library in other modes of the interpreter: without asserts, with warnings as errors, forked, in threads."""

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.marks import needs_fork
from helpers.signer import BODY, SECRET, now, signed_headers

from clerk_webhook_verify import Webhook, WebhookVerificationError
from clerk_webhook_verify.errors import SignatureMismatchError
from clerk_webhook_verify.events import UserCreated

TESTS = Path(__file__).parents[1]
WITHOUT_SERVERS = """
    allowlist catalog cli deliveries delivery diagnose errors events headers imports payload receiver registry secrecy
    secret signature testing timestamp webhook
"""
MODES = {
    "without asserts and docstrings": (["-OO"], {"PYTHONHASHSEED": "1"}),
    "every warning an error": (["-bb", "-W", "error", "-X", "dev"], {"PYTHONHASHSEED": "2"}),
    "a locale without UTF-8": (
        [],
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONHASHSEED": "4294967295"},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_the_tests_that_need_no_server_pass(mode):
    flags, environment = mode
    files = [str(next(TESTS.glob(f"*/test_{name}.py"))) for name in WITHOUT_SERVERS.split()]
    pytest_ = [sys.executable, *flags, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--hypothesis-profile=few"]
    done = subprocess.run(
        [*pytest_, *files], capture_output=True, text=True, check=False, cwd=TESTS.parent, env=os.environ | environment
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]


FIRST_EVENTS = """
import sys, threading
from clerk_webhook_verify import Webhook
from clerk_webhook_verify.events import EVENT_TYPES
from clerk_webhook_verify.testing import generate_secret, signed_request

sys.setswitchinterval(1e-6)
secret = generate_secret()
webhook = Webhook(secret)
deliveries = [signed_request(type_, secret=secret) for type_ in EVENT_TYPES]
start, seen = threading.Barrier(16), []

def work(number):
    start.wait()
    for delivery in deliveries[number:] + deliveries[:number]:
        event = webhook.verify(delivery.headers, delivery.body)
        seen.append((event.type, type(event).__name__, type(event.data).__name__))

threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert len(seen) == 16 * len(deliveries), len(seen)
assert len(set(seen)) == len(deliveries), set(seen)
assert not any("Unknown" in name for _, name, _ in seen), set(seen)
"""


def test_threads_that_decode_every_event_type_at_the_same_time_get_typed_events():
    """A class's annotations are read when its first event arrives, and a thread must not see a part of the result."""
    done = subprocess.run([sys.executable, "-c", FIRST_EVENTS], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_tasks_on_a_loop_and_in_its_threads_share_a_webhook():
    webhook = Webhook(SECRET, clock=now)

    def check(number: int) -> tuple[int, str, bool]:
        body = b'{"type":"user.created","data":{"id":"user_%d"}}' % number
        headers = signed_headers(body, message_id=f"msg_{number}")
        event = webhook.verify(headers, body)
        with pytest.raises(SignatureMismatchError):
            webhook.verify(headers, body + b" ")
        return number, event.data.id, isinstance(event, UserCreated)

    async def on_the_loop(number):
        await asyncio.sleep(0)
        return check(number)

    async def main():
        both = [(on_the_loop(number), asyncio.to_thread(check, number)) for number in range(100)]
        return await asyncio.gather(*(each for pair in both for each in pair))

    assert sorted(asyncio.run(main())) == sorted([(number, f"user_{number}", True) for number in range(100)] * 2)


FORKS = """
import os, signal, sys, threading
from clerk_webhook_verify import Webhook
from clerk_webhook_verify.errors import SignatureMismatchError
from clerk_webhook_verify.testing import generate_secret, signed_request

secret = generate_secret()
webhook, delivery, enough = Webhook(secret), signed_request("user.created", secret=secret), threading.Event()
sys.setswitchinterval(1e-4)  # or this thread waits for its turn most of the time

def verify():
    while not enough.is_set():
        webhook.verify(delivery.headers, delivery.body)

def in_the_child():
    signal.alarm(30)
    try:
        webhook.verify(delivery.headers, delivery.body + b" ")
    except SignatureMismatchError:
        os._exit(0 if webhook.verify(delivery.headers, delivery.body).type == "user.created" else 1)
    os._exit(2)

threads = [threading.Thread(target=verify) for _ in range(4)]
for thread in threads:
    thread.start()
codes = []
for _ in range(50):
    child = os.fork()
    if not child:
        in_the_child()
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
enough.set()
for thread in threads:
    thread.join()
print(codes.count(0), "of", len(codes))
"""


@needs_fork
@pytest.mark.slow
def test_a_process_forked_while_other_threads_verify_can_verify():
    """In its own interpreter, since such a child would wait for a lock of coverage.py forever."""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("50 of 50\n", "")


def test_rejects_while_the_clock_is_wrong():
    clock = [now()]
    webhook = Webhook(SECRET, clock=lambda: clock[0])
    verdicts = []
    for clock[0] in (now(), now() + 301, now() - 301, 0.0, 1e18, now()):
        try:
            verdicts.append(webhook.verify(signed_headers(BODY), BODY).type)
        except WebhookVerificationError as error:
            verdicts.append(error.code)
    rejected = ["timestamp_too_old", "timestamp_too_new", "timestamp_too_new", "timestamp_too_old"]
    assert verdicts == ["user.created", *rejected, "user.created"]


def test_the_tests_cannot_reach_the_network():
    """conftest.py rejects every address but loopback in this process."""
    with pytest.raises(RuntimeError, match=r"tests use no network: 192\.0\.2\.1"):
        socket.create_connection(("192.0.2.1", 80), timeout=0.1)
    with pytest.raises(RuntimeError, match=r"tests use no network: clerk\.example"):
        socket.create_connection(("clerk.example", 80), timeout=0.1)

"""svix, standardwebhooks and Clerk's own verifier give the same results, except for deliberate differences.

The short form of compare.py: all vectors and some random deliveries. The peers from npm need Node and ``npm ci --prefix
tests/proof/peers``.
"""

import binascii
import time
from datetime import datetime, timezone

import pytest
import standardwebhooks
import svix.webhooks
from helpers.marks import slow
from helpers.signer import SECRET, signed_headers
from helpers.strategies import IDS, KEYS
from hypothesis import given, strategies as st
from proof.peers.ask import NODE, PYTHON, node_is_missing
from proof.peers.compare import LIBRARY, Comparison, all_verdicts
from proof.peers.deliveries import random_deliveries, vectors
from proof.peers.model import PEERS, QUIRKS, accepts

from clerk_webhook_verify import Webhook, WebhookVerificationError

DELIVERIES = [*(delivery for _, delivery in vectors()), *random_deliveries(seed=7, count=1_000)]
NEEDS_NODE = [
    pytest.param(peer, marks=pytest.mark.skipif(bool(node_is_missing()), reason=node_is_missing())) for peer in NODE
]
ALL = [*PYTHON, *NEEDS_NODE]


@pytest.fixture(scope="module")
def answers():
    return list(all_verdicts(DELIVERIES, node=not node_is_missing()))


def test_the_library_gives_the_results_of_the_model(answers):
    accepted = [delivery for delivery, verdicts in answers if verdicts[LIBRARY] is None]
    assert accepted == [delivery for delivery, _ in answers if accepts(delivery)]
    assert len(answers) / 5 < len(accepted) < len(answers) / 2, "neither is rare"


@pytest.mark.parametrize("peer", ALL)
def test_a_peer_gives_the_results_of_the_model_with_its_quirks(answers, peer):
    for delivery, verdicts in answers:
        assert (verdicts[peer] is None) is accepts(delivery, PEERS[peer]), (verdicts[peer], delivery)


@pytest.mark.parametrize("peer", ALL)
def test_each_difference_has_its_reason(answers, peer):
    comparison = Comparison((peer,))
    for delivery, verdicts in answers:
        comparison.add(delivery, {name: verdicts[name] for name in (LIBRARY, peer)})
    assert comparison.unexplained == []
    assert comparison.differed[peer, True] > 100
    assert comparison.differed[peer, False] > 10


@pytest.mark.parametrize(("peer", "quirk"), [(peer, quirk) for peer in PEERS for quirk in sorted(PEERS[peer])])
def test_removing_a_quirk_changes_a_result(peer, quirk):
    """Each quirk matters for at least one delivery, so a missing quirk would be found."""
    assert any(accepts(each, PEERS[peer]) is not accepts(each, PEERS[peer] - {quirk}) for each in DELIVERIES)


def test_every_quirk_belongs_to_a_peer():
    assert set().union(*PEERS.values()) == set(QUIRKS)


def test_reports_a_result_that_the_model_does_not_predict(answers):
    accepted_by_both = (each for each in answers if each[1][LIBRARY] is None and each[1][PYTHON[0]] is None)
    delivery, verdicts = next(accepted_by_both)
    comparison = Comparison(PYTHON)
    comparison.add(delivery, verdicts | {PYTHON[0]: "ValueError", LIBRARY: None})
    assert [peer for peer, *_ in comparison.unexplained] == [PYTHON[0]]
    comparison.add(delivery, verdicts | {LIBRARY: "signature_mismatch"})
    assert comparison.unexplained[1][0] == LIBRARY


@pytest.mark.parametrize(
    ("peer", "family"),
    [
        (svix.webhooks.Webhook, "svix"),
        *slow((svix.webhooks.Webhook, "webhook")),
        (standardwebhooks.Webhook, "webhook"),
    ],
)
@given(secret=KEYS, message_id=IDS, body=st.text(st.characters(exclude_categories=["Cs"])))
def test_accepts_what_svix_and_standardwebhooks_sign(peer, family, secret, message_id, body):
    moment = datetime.now(timezone.utc)
    headers = {
        f"{family}-id": message_id,
        f"{family}-timestamp": str(int(moment.timestamp())),
        f"{family}-signature": peer(secret).sign(message_id, moment, body),
    }
    assert Webhook(secret).verify_signature(headers, body).message_id == message_id


@pytest.mark.parametrize(
    ("signature", "body", "escapes"),
    [
        ("v1", b"{}", ValueError),
        ("v1,abc", b"{}", binascii.Error),
        (None, b"\xff", UnicodeDecodeError),
        (None, {}, AttributeError),
    ],
)
def test_raises_its_own_errors_if_svix_raises_others(signature, body, escapes):
    """As the README claims."""
    headers = signed_headers(b"{}", timestamp=int(time.time()))
    headers["svix-signature"] = signature or headers["svix-signature"]
    with pytest.raises(escapes):
        svix.webhooks.Webhook(SECRET).verify(body, headers)
    with pytest.raises((WebhookVerificationError, TypeError)):
        Webhook(SECRET).verify(headers, body)

"""Do svix, standardwebhooks and Clerk's own verifier answer as we do, wherever we do not differ on purpose?

The short form of compare.py: all vectors and some random deliveries. The peers from npm answer where there is
Node and ``npm ci --prefix tests/proof/peers`` was run.
"""

import binascii
import time
from datetime import datetime, timezone

import pytest
import standardwebhooks
import svix.webhooks
from helpers.signer import SECRET, signed_headers
from helpers.strategies import IDS, KEYS
from hypothesis import given, strategies as st
from proof.peers.ask import NODE, PYTHON, node_is_missing
from proof.peers.compare import OURS, Comparison, all_verdicts
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


def test_we_answer_as_the_model_does(answers):
    accepted = [delivery for delivery, verdicts in answers if verdicts[OURS] is None]
    assert accepted == [delivery for delivery, _ in answers if accepts(delivery)]
    assert len(answers) / 5 < len(accepted) < len(answers) / 2, "neither is seldom"


@pytest.mark.parametrize("peer", ALL)
def test_a_peer_answers_as_the_model_does_with_its_quirks(answers, peer):
    for delivery, verdicts in answers:
        assert (verdicts[peer] is None) is accepts(delivery, PEERS[peer]), (verdicts[peer], delivery)


@pytest.mark.parametrize("peer", ALL)
def test_each_difference_has_its_reason(answers, peer):
    comparison = Comparison((peer,))
    for delivery, verdicts in answers:
        comparison.add(delivery, {name: verdicts[name] for name in (OURS, peer)})
    assert comparison.unexplained == []
    assert comparison.differed[peer, True] > 100
    assert comparison.differed[peer, False] > 10


@pytest.mark.parametrize(("peer", "quirk"), [(peer, quirk) for peer in PEERS for quirk in sorted(PEERS[peer])])
def test_no_quirk_is_idle(peer, quirk):
    """Some delivery here tells a peer with it from one without it: left out of the list, it would be found."""
    assert any(accepts(each, PEERS[peer]) is not accepts(each, PEERS[peer] - {quirk}) for each in DELIVERIES)


def test_every_quirk_is_somebodys():
    assert set().union(*PEERS.values()) == set(QUIRKS)


def test_an_answer_that_nobody_foresaw_is_told(answers):
    delivery, verdicts = next((each, said) for each, said in answers if said[OURS] is None and said[PYTHON[0]] is None)
    comparison = Comparison(PYTHON)
    comparison.add(delivery, verdicts | {PYTHON[0]: "ValueError", OURS: None})
    assert [peer for peer, *_ in comparison.unexplained] == [PYTHON[0]]
    comparison.add(delivery, verdicts | {OURS: "signature_mismatch"})
    assert comparison.unexplained[1][0] == OURS


@pytest.mark.parametrize(
    ("peer", "family"),
    [
        (svix.webhooks.Webhook, "svix"),
        (svix.webhooks.Webhook, "webhook"),
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
def test_raises_only_its_own_errors_where_svix_raises_others(signature, body, escapes):
    """The README says so."""
    headers = signed_headers(b"{}", timestamp=int(time.time()))
    headers["svix-signature"] = signature or headers["svix-signature"]
    with pytest.raises(escapes):
        svix.webhooks.Webhook(SECRET).verify(body, headers)
    with pytest.raises((WebhookVerificationError, TypeError)):
        Webhook(SECRET).verify(headers, body)

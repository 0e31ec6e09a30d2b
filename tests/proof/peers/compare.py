"""Compare the results of this library with those of its peers.

    npm ci --prefix tests/proof/peers
    python tests/proof/peers/compare.py --deliveries 100_000
    python tests/proof/peers/compare.py --vectors

model.py must predict every result: this library's without quirks, and each peer's with its quirks, which have reasons.
Any other result is printed, and the exit code is 1.
"""

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from proof.peers.ask import NODE, PYTHON, Verdicts, ask_node, ask_python, node_is_missing, versions
from proof.peers.deliveries import VECTORS, Delivery, random_deliveries, vectors
from proof.peers.model import PEERS, QUIRKS, accepts

from clerk_webhook_verify import Webhook, WebhookError, __version__

LIBRARY = "this library"


def ask_library(delivery: Delivery) -> str | None:
    """Return the code of the error, or None if the delivery is accepted."""
    try:
        webhook = Webhook(delivery.secrets, clock=lambda: delivery.now)
        webhook.verify_signature(delivery.headers, delivery.body)
    except WebhookError as error:
        return error.code
    return None


def all_verdicts(deliveries: Iterable[Delivery], node: bool) -> Iterator[tuple[Delivery, Verdicts]]:
    pending = iter(deliveries)
    while chunk := list(islice(pending, 10_000)):
        for delivery, theirs in zip(chunk, ask_node(chunk) if node else [{}] * len(chunk), strict=True):
            yield delivery, {LIBRARY: ask_library(delivery), **ask_python(delivery), **theirs}


def causes(delivery: Delivery, peer: str, accepted: bool) -> list[str]:
    """Return the fewest quirks of a peer that explain its result."""
    needed = set(PEERS[peer])
    for quirk in sorted(needed):
        if accepts(delivery, needed - {quirk}) is accepted:
            needed.remove(quirk)
    return sorted(needed)


@dataclass
class Comparison:
    peers: tuple[str, ...]
    deliveries: int = 0
    accepted: Counter = field(default_factory=Counter)  # by verifier
    differed: Counter = field(default_factory=Counter)  # by peer and whether it accepts
    raised: Counter = field(default_factory=Counter)  # by peer and class of error
    quirks: Counter = field(default_factory=Counter)  # by quirk, whether the peer accepts, and peer
    examples: dict = field(default_factory=dict)  # by quirk and whether the peer accepts: fewest changes
    unexplained: list = field(default_factory=list)

    def add(self, delivery: Delivery, verdicts: Verdicts) -> None:
        self.deliveries += 1
        for verifier, verdict in verdicts.items():
            accepted = verdict is None
            self.accepted[verifier] += accepted
            if accepted is not accepts(delivery, PEERS.get(verifier, ())):
                self.unexplained.append((verifier, verdict, delivery))
            elif verifier != LIBRARY:
                self.raised[verifier, verdict] += not accepted
                if accepted is not (verdicts[LIBRARY] is None):
                    self.explain(delivery, verifier, accepted)

    def explain(self, delivery: Delivery, peer: str, accepted: bool) -> None:
        quirks = causes(delivery, peer, accepted)
        self.differed[peer, accepted] += 1
        for quirk in quirks:
            self.quirks[quirk, accepted, peer] += 1
            example = (len(quirks), len(delivery.made), "; ".join(delivery.made) or "nothing but its time")
            self.examples[quirk, accepted] = min(example, self.examples.get((quirk, accepted), example))
            if not reason(quirk, accepted):
                self.unexplained.append((peer, f"no reason for {quirk}", delivery))

    def print(self) -> None:
        print(f"\n{self.deliveries:,} deliveries, {self.accepted[LIBRARY]:,} of them accepted by {LIBRARY}\n")
        print("| peer | accepts | agrees | only it accepts | only this library accepts | exceptions |")
        print("|---|--:|--:|--:|--:|---|")
        for peer in self.peers:
            more, less = self.differed[peer, True], self.differed[peer, False]
            raised = [f"{name} {count:,}" for (who, name), count in self.raised.most_common() if who == peer and count]
            agreed = self.deliveries - more - less - sum(who == peer for who, *_ in self.unexplained)
            print(f"| {peer} | {self.accepted[peer]:,} | {agreed:,} | {more:,} | {less:,} | {', '.join(raised)} |")
        for accepted, title in ((True, "Only the peer accepts"), (False, "Only this library accepts")):
            print(f"\n| {title}: what the peer does | {' | '.join(self.peers)} | for example | reason |")
            print(f"|---|{'--:|' * len(self.peers)}---|---|")
            for quirk in [quirk for quirk in QUIRKS if (quirk, accepted) in self.examples]:
                counts = " | ".join(f"{self.quirks[quirk, accepted, peer]:,}" for peer in self.peers)
                example = self.examples[quirk, accepted][-1]
                print(f"| {QUIRKS[quirk].does} | {counts} | {example} | {reason(quirk, accepted)} |")


def reason(quirk: str, accepted: bool) -> str:
    return QUIRKS[quirk].accepts if accepted else QUIRKS[quirk].rejects


def print_vectors(answers: list[tuple[dict, Delivery, Verdicts]], verifiers: tuple[str, ...]) -> None:
    """Print how many vectors each verifier passed, by flag, and which it failed. Acceptable ones always pass."""
    total = Counter(test["flags"][0] for test, *_ in answers)
    passed: Counter = Counter()
    failed: dict[tuple[bool, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for test, delivery, verdicts in answers:
        for verifier, verdict in verdicts.items():
            accepted = verdict is None
            if test["result"] in ("acceptable", "valid" if accepted else "invalid"):
                passed[test["flags"][0], verifier] += 1
            else:
                quirks = causes(delivery, verifier, accepted) if verifier in PEERS else []
                does = "; ".join(QUIRKS[quirk].does for quirk in quirks) or "UNEXPLAINED"
                failed[accepted, does][verifier].append(str(test["tcId"]))
    left_out = json.loads(VECTORS.read_text("utf-8"))["numberOfTests"] - len(answers)
    print(f"\n{len(answers)} vectors; {left_out} more have a tolerance that the peers do not know")
    print(f"\n| vectors | {' | '.join(verifiers)} |\n|---|{'--:|' * len(verifiers)}")
    for flag, count in total.items():
        print(f"| {flag} | {' | '.join(f'{passed[flag, verifier]}/{count}' for verifier in verifiers)} |")
    sums = (sum(passed[flag, verifier] for flag in total) for verifier in verifiers)
    print(f"| all | {' | '.join(f'{each}/{len(answers)}' for each in sums)} |\n")
    for (accepted, does), by_verifier in failed.items():
        alike: dict[str, list[str]] = defaultdict(list)  # verifiers, by the vectors that they fail
        for verifier, numbers in by_verifier.items():
            alike[", ".join(numbers)].append(verifier)
        listed = "; ".join(f"{', '.join(names)}: {numbers}" for numbers, names in alike.items())
        print(f"- {'Accepted' if accepted else 'Refused'}, since it {does}. {listed}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare this library with its peers.")
    parser.add_argument("--deliveries", type=int, default=100_000, help="how many random ones")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--vectors", action="store_true", help="the test vectors instead, as a table")
    parser.add_argument("--without-node", action="store_true", help="the peers from PyPI alone")
    options = parser.parse_args()
    if not options.without_node and node_is_missing():
        parser.error(f"{node_is_missing()}, or --without-node")
    peers = PYTHON if options.without_node else PYTHON + NODE
    print(f"{date.today()}, this library {__version__}, {', '.join(versions(peers))}")
    comparison = Comparison(peers)
    if options.vectors:
        tests, deliveries = zip(*vectors(), strict=True)
        answers = list(zip(tests, *zip(*all_verdicts(deliveries, not options.without_node), strict=True), strict=True))
        for _, *answer in answers:
            comparison.add(*answer)
        print_vectors(answers, (LIBRARY, *peers))
    else:
        print(f"seed {options.seed}")
        for answer in all_verdicts(random_deliveries(options.seed, options.deliveries), not options.without_node):
            comparison.add(*answer)
        comparison.print()
    for verifier, verdict, delivery in comparison.unexplained[:20]:
        print(f"\nUNEXPLAINED: {verifier}: {verdict or 'accepted'}: {delivery}")
    print(f"\n{len(comparison.unexplained)} unexplained")
    return 1 if comparison.unexplained else 0


if __name__ == "__main__":
    sys.exit(main())

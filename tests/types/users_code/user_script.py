"""A user's script, which reads stored deliveries and prints the users in them."""

import sys

from clerk_webhook_verify import Delivery, InvalidPayloadError
from clerk_webhook_verify.events import UserCreated, UserUpdated


def main(lines: list[str]) -> None:
    for number, line in enumerate(lines, 1):
        try:
            event = Delivery.from_json(line).parse()
        except InvalidPayloadError as error:
            print(f"line {number}: {error}", file=sys.stderr)
            continue
        if isinstance(event, UserCreated | UserUpdated):
            addresses = [each.email_address for each in event.data.email_addresses]
            print(event.message_id, event.data.id, *addresses)


if __name__ == "__main__":
    main(sys.stdin.readlines())

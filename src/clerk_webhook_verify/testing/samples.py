"""One realistic payload for each event type, with invented people and organizations."""

from collections.abc import Callable
from typing import Any

_MILLISECONDS = 1_760_000_000_000  # 2025-10-09T08:53:20Z
_USER_ID = "user_2mXk8Qv1T0aZr5NcYw3LpJ7dHsB"
_ORGANIZATION_ID = "org_2mXkA4RzVu9eTgWq6KpM1bNyDxC"
_SESSION_ID = "sess_2mXkC7YtFh3oSjUe8LqP5vBnGwE"


def sample_payload(event_type: str) -> dict[str, Any]:
    """Return a new payload of *event_type*.

    Raises:
        KeyError: There is no sample of that type.
    """
    return {
        "data": SAMPLES[event_type](),
        "event_attributes": {
            "http_request": {
                "client_ip": "203.0.113.7",
                "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            }
        },
        "instance_id": "ins_2mXjQ9LrKs4yXbTc0DfE6hVnUiO",
        "object": "event",
        "timestamp": _MILLISECONDS + 1_234,
        "type": event_type,
    }


def _email_address(number: int, address: str, strategy: str) -> dict[str, Any]:
    return {
        "created_at": _MILLISECONDS,
        "email_address": address,
        "id": f"idn_2mXk{number}W5uJq8GiRfO3tZsPcLvAe",
        "linked_to": [{"id": "idn_2mXk9H6nBd1xCyKm4SoTgVwQfUj", "type": "oauth_google"}] if number == 1 else [],
        "matches_sso_connection": False,
        "object": "email_address",
        "reserved": False,
        "updated_at": _MILLISECONDS,
        "verification": {
            "attempts": 1,
            "expire_at": _MILLISECONDS + 600_000,
            "object": "verification_otp",
            "status": "verified",
            "strategy": strategy,
        },
    }


def _user() -> dict[str, Any]:
    return {
        "backup_code_enabled": False,
        "banned": False,
        "bypass_client_trust": False,
        "create_organization_enabled": True,
        "created_at": _MILLISECONDS,
        "delete_self_enabled": True,
        "email_addresses": [
            _email_address(2, "ada.private@example.org", "email_code"),
            _email_address(1, "ada@example.com", "email_code"),
        ],
        "enterprise_accounts": [],
        "external_accounts": [
            {
                "approved_scopes": "email https://www.googleapis.com/auth/userinfo.profile openid profile",
                "avatar_url": "https://img.example.com/ada-google.png",
                "created_at": _MILLISECONDS,
                "email_address": "ada@example.com",
                "external_account_id": "eac_2mXkR0VyZl7kDeSn2MpXaBtGhJw",
                "family_name": "Björk",
                "first_name": "Ada",
                "given_name": "Ada",
                "google_id": "104928374650192837465",
                "id": "idn_2mXk9H6nBd1xCyKm4SoTgVwQfUj",
                "identification_id": "idn_2mXk9H6nBd1xCyKm4SoTgVwQfUj",
                "image_url": "https://img.example.com/ada-google.png",
                "label": None,
                "last_name": "Björk",
                "object": "google_account",
                "picture": "https://img.example.com/ada-google.png",
                "provider": "oauth_google",
                "provider_user_id": "104928374650192837465",
                "public_metadata": {},
                "updated_at": _MILLISECONDS,
                "username": None,
                "verification": {
                    "attempts": None,
                    "expire_at": _MILLISECONDS + 600_000,
                    "object": "verification_oauth",
                    "status": "verified",
                    "strategy": "oauth_google",
                },
            }
        ],
        "external_id": None,
        "first_name": "Ada",
        "has_image": True,
        "id": _USER_ID,
        "image_url": "https://img.example.com/ada.png",
        "last_active_at": _MILLISECONDS,
        "last_name": "Björk",
        "last_sign_in_at": None,
        "legal_accepted_at": None,
        "locale": "en",
        "locked": False,
        "lockout_expires_in_seconds": None,
        "mfa_disabled_at": None,
        "mfa_enabled_at": None,
        "object": "user",
        "passkeys": [],
        "password_enabled": False,
        "password_last_updated_at": None,
        "phone_numbers": [],
        "primary_email_address_id": "idn_2mXk1W5uJq8GiRfO3tZsPcLvAe",
        "primary_phone_number_id": None,
        "primary_web3_wallet_id": None,
        "private_metadata": {},
        "profile_image_url": "https://img.example.com/ada.png",
        "public_metadata": {"plan": "starter"},
        "requires_password_reset": False,
        "saml_accounts": [],
        "timezone": "Europe/London",
        "totp_enabled": False,
        "two_factor_enabled": False,
        "unsafe_metadata": {},
        "updated_at": _MILLISECONDS + 1_000,
        "username": None,
        "verification_attempts_remaining": 100,
        "web3_wallets": [],
    }


def _session(status: str) -> dict[str, Any]:
    return {
        "abandon_at": _MILLISECONDS + 2_592_000_000,
        "actor": None,
        "client_id": "client_2mXkD5QeWr8tYuIo1PaSfGhJkLz",
        "created_at": _MILLISECONDS,
        "expire_at": _MILLISECONDS + 604_800_000,
        "id": _SESSION_ID,
        "last_active_at": _MILLISECONDS,
        "last_active_organization_id": None,
        "latest_activity": {
            "browser_name": "Firefox",
            "browser_version": "140.0",
            "city": "London",
            "country": "GB",
            "device_type": "Linux",
            "id": "sess_activity_2mXkE6RtYu9iOpAs2DfGhJkLzXc",
            "ip_address": "203.0.113.7",
            "is_mobile": False,
            "object": "session_activity",
        },
        "object": "session",
        "status": status,
        "updated_at": _MILLISECONDS,
        "user": _user(),
        "user_id": _USER_ID,
    }


def _organization() -> dict[str, Any]:
    return {
        "admin_delete_enabled": True,
        "created_at": _MILLISECONDS,
        "created_by": _USER_ID,
        "has_image": False,
        "id": _ORGANIZATION_ID,
        "image_url": "https://img.example.com/analytical-engines.png",
        "logo_url": None,
        "max_allowed_memberships": 5,
        "name": "Analytical Engines",
        "object": "organization",
        "private_metadata": {},
        "public_metadata": {},
        "slug": "analytical-engines",
        "updated_at": _MILLISECONDS,
    }


def _membership() -> dict[str, Any]:
    return {
        "created_at": _MILLISECONDS,
        "id": "orgmem_2mXkF8UvXw1zAbCd4EfGhIjKlMn",
        "object": "organization_membership",
        "organization": {**_organization(), "members_count": 2, "pending_invitations_count": 1},
        "permissions": ["org:sys_profile:manage", "org:sys_memberships:read"],
        "public_metadata": {},
        "public_user_data": {
            "first_name": "Ada",
            "has_image": True,
            "identifier": "ada@example.com",
            "image_url": "https://img.example.com/ada.png",
            "last_name": "Björk",
            "profile_image_url": "https://img.example.com/ada.png",
            "user_id": _USER_ID,
            "username": None,
        },
        "role": "org:admin",
        "role_name": "Admin",
        "updated_at": _MILLISECONDS,
    }


def _public_organization() -> dict[str, Any]:
    return {
        "has_image": False,
        "id": _ORGANIZATION_ID,
        "image_url": "https://img.example.com/analytical-engines.png",
        "name": "Analytical Engines",
        "slug": "analytical-engines",
    }


def _domain() -> dict[str, Any]:
    return {
        "affiliation_email_address": "ada@example.com",
        "affiliation_verification": {
            "attempts": 1,
            "expire_at": _MILLISECONDS + 600_000,
            "status": "verified",
            "strategy": "affiliation_email_code",
            "verified_at": _MILLISECONDS,
        },
        "created_at": _MILLISECONDS,
        "enrollment_mode": "automatic_invitation",
        "id": "orgdmn_2mXkG9VwYx2aBcDe5FgHiJkLmNo",
        "name": "example.com",
        "object": "organization_domain",
        "organization_id": _ORGANIZATION_ID,
        "ownership_verification": None,
        "public_organization_data": _public_organization(),
        "total_pending_invitations": 0,
        "total_pending_suggestions": 0,
        "updated_at": _MILLISECONDS,
        "verification": {
            "attempts": 1,
            "expire_at": _MILLISECONDS + 600_000,
            "status": "verified",
            "strategy": "affiliation_email_code",
            "verified_at": _MILLISECONDS,
        },
    }


def _organization_invitation(status: str) -> dict[str, Any]:
    return {
        "created_at": _MILLISECONDS,
        "data": {"public_organization_data": _public_organization()},
        "email_address": "charles@example.com",
        "expires_at": _MILLISECONDS + 2_592_000_000,
        "id": "orginv_2mXkH1WxZy3bCdEf6GhIjKlMnOp",
        "inviter_id": _USER_ID,
        "object": "organization_invitation",
        "organization_id": _ORGANIZATION_ID,
        "private_metadata": {},
        "public_inviter_data": {
            "first_name": "Ada",
            "has_image": True,
            "identifier": "ada@example.com",
            "image_url": "https://img.example.com/ada.png",
            "last_name": "Björk",
            "user_id": _USER_ID,
        },
        "public_metadata": {},
        "public_organization_data": _public_organization(),
        "role": "org:member",
        "role_name": "Member",
        "status": status,
        "updated_at": _MILLISECONDS,
        "url": "https://accounts.example.com/v1/tickets/accept?ticket=invented",
    }


def _accepted_organization_invitation() -> dict[str, Any]:
    return {**_organization_invitation("accepted"), "user_id": "user_2mXkJ2XyAz4cDeFg7HiJkLmNoPq"}


def _permission() -> dict[str, Any]:
    return {
        "created_at": _MILLISECONDS,
        "description": "May start and stop engines",
        "id": "perm_2mXkK3YzBa5dEfGh8IjKlMnOpQr",
        "key": "org:engines:run",
        "name": "Run engines",
        "object": "permission",
        "type": "user",
        "updated_at": _MILLISECONDS,
    }


def _role() -> dict[str, Any]:
    return {
        "created_at": _MILLISECONDS,
        "description": "Looks after the engines",
        "id": "role_2mXkL4ZaCb6eFgHi9JkLmNoPqRs",
        "is_creator_eligible": False,
        "key": "org:engineer",
        "name": "Engineer",
        "object": "role",
        "permissions": [_permission()],
        "updated_at": _MILLISECONDS,
    }


def _email() -> dict[str, Any]:
    return {
        "body": "<p>424242 is your verification code</p>",
        "body_plain": "424242 is your verification code",
        "data": {
            "app": {"domain_name": "example.com", "logo_url": None, "name": "Engines", "url": "https://example.com"},
            "otp_code": "424242",
            "requested_at": "9 October 2025, 08:53 UTC",
            "requested_by": "Firefox, Linux",
            "theme": {"primary_color": "#6c47ff"},
        },
        "delivered_by_clerk": True,
        "email_address_id": "idn_2mXk1W5uJq8GiRfO3tZsPcLvAe",
        "from_email_name": "notifications",
        "id": "ema_2mXkM5AbDc7fGhIj1KlMnOpQrSt",
        "object": "email",
        "reply_to_email_name": None,
        "slug": "verification_code",
        "status": "queued",
        "subject": "424242 is your verification code",
        "suppression_reason": None,
        "to_email_address": "ada@example.com",
        "user_id": None,
    }


def _sms() -> dict[str, Any]:
    return {
        "created_at_ms": _MILLISECONDS,
        "data": {"app": {"name": "Engines"}, "otp_code": "424242"},
        "delivered_by_clerk": True,
        "from_phone_number": "+15555550100",
        "id": "sms_2mXkN6BcEd8gHiJk2LmNoPqRsTu",
        "message": "424242 is your verification code",
        "object": "sms_message",
        "phone_number_id": "idn_2mXkP7CdFe9hIjKl3MnOpQrStUv",
        "slug": "verification_code",
        "status": "queued",
        "to_phone_number": "+15555550199",
        "user_id": None,
    }


def _payer() -> dict[str, Any]:
    return {
        "created_at": _MILLISECONDS,
        "email": "ada@example.com",
        "first_name": "Ada",
        "id": "cpayer_2mXkQ8DeGf1iJkLm4NoPqRsTuVw",
        "image_url": "https://img.example.com/ada.png",
        "last_name": "Björk",
        "object": "commerce_payer",
        "organization_id": "",
        "organization_name": "",
        "updated_at": _MILLISECONDS,
        "user_id": _USER_ID,
    }


def _amount(cents: int) -> dict[str, Any]:
    return {"amount": cents, "amount_formatted": f"{cents / 100:.2f}", "currency": "USD", "currency_symbol": "$"}


def _plan() -> dict[str, Any]:
    return {
        "amount": 1_200,
        "currency": "USD",
        "id": "cplan_2mXkR9EfHg2jKlMn5OpQrStUvWx",
        "is_recurring": True,
        "name": "Starter",
        "slug": "starter",
        "unit_prices": [
            {
                "block_size": 1,
                "name": "seats",
                "tiers": [{"amount_per_block": 300, "currency": "USD", "ends_after_block": None, "starts_at_block": 1}],
            }
        ],
    }


def _subscription_item(status: str) -> dict[str, Any]:
    return {
        "created_at": _MILLISECONDS,
        "id": "csub_item_2mXkS1FgIh3kLmNo6PqRsTuVwXy",
        "interval": "month",
        "is_free_trial": False,
        "object": "subscription_item",
        "payer": _payer(),
        "period_end": _MILLISECONDS + 2_592_000_000,
        "period_start": _MILLISECONDS,
        "plan": _plan(),
        "plan_id": "cplan_2mXkR9EfHg2jKlMn5OpQrStUvWx",
        "seats": {"quantity": 3},
        "status": status,
        "subscription_id": "csub_2mXkT2GhJi4lMnOp7QrStUvWxYz",
        "updated_at": _MILLISECONDS,
    }


def _subscription(status: str) -> dict[str, Any]:
    item = _subscription_item("active" if status == "active" else "past_due")
    del item["payer"]  # only where the item is an event's own data
    return {
        "active_at": _MILLISECONDS,
        "canceled_at": None,
        "created_at": _MILLISECONDS,
        "ended_at": None,
        "id": "csub_2mXkT2GhJi4lMnOp7QrStUvWxYz",
        "items": [{**item, "object": "commerce_subscription_item", "subscription_id": None}],
        "latest_payment_id": None,
        "object": "commerce_subscription",
        "past_due_at": None if status == "active" else _MILLISECONDS,
        "payer": _payer(),
        "payer_id": "cpayer_2mXkQ8DeGf1iJkLm4NoPqRsTuVw",
        "payment_source_id": "paymeth_2mXkU3HiKj5mNoPq8RsTuVwXyZa",
        "status": status,
        "updated_at": _MILLISECONDS,
    }


def _payment_attempt(status: str) -> dict[str, Any]:
    return {
        "billing_date": _MILLISECONDS,
        "charge_type": "recurring",
        "created_at": _MILLISECONDS,
        "failed_at": None,
        "failed_reason": None,
        "gateway_external_id": "pi_invented",
        "id": "cpayatt_2mXkV4IjLk6nOpQr9StUvWxYzAb",
        "instance_id": "ins_2mXjQ9LrKs4yXbTc0DfE6hVnUiO",
        "invoice_id": "cinv_2mXkW5JkMl7oPqRs1TuVwXyZaBc",
        "paid_at": _MILLISECONDS if status == "paid" else None,
        "payee": {
            "gateway_external_id": "acct_invented",
            "gateway_status": "active",
            "gateway_type": "stripe",
            "id": "cpayee_2mXkX6KlNm8pQrSt2UvWxYzAbCd",
        },
        "payer": _payer(),
        "payment_id": "cpay_2mXkY7LmOn9qRsTu3VwXyZaBcDe",
        "payment_source": {
            "card_type": "visa",
            "gateway": "stripe",
            "gateway_external_account_id": None,
            "gateway_external_id": "pm_invented",
            "id": "paymeth_2mXkU3HiKj5mNoPq8RsTuVwXyZa",
            "last4": "4242",
            "payment_method": "card",
            "status": "active",
        },
        "statement_id": "cstmt_2mXkZ8MnPo1rStUv4WxYzAbCdEf",
        "status": status,
        "subscription_items": [
            {
                "amount": _amount(1_200),
                "canceled_at": None,
                "credit": {
                    "amount": _amount(600),
                    "cycle_days_remaining": 15,
                    "cycle_days_total": 30,
                    "cycle_remaining_percent": 0.5,
                },
                "credits": {
                    "payer": {"applied_amount": _amount(100), "remaining_balance": _amount(0)},
                    "proration": {
                        "amount": _amount(600),
                        "cycle_days_remaining": 15,
                        "cycle_days_total": 30,
                        "cycle_remaining_percent": 0.5,
                    },
                    "total": _amount(700),
                },
                "id": "csub_item_2mXkS1FgIh3kLmNo6PqRsTuVwXy",
                "lifetime_paid": 3_600,
                "next_payment_amount": 1_200,
                "next_payment_date": _MILLISECONDS + 2_592_000_000,
                "object": "commerce_subscription_item",
                "past_due_at": None,
                "period_end": _MILLISECONDS + 2_592_000_000,
                "period_start": _MILLISECONDS,
                "plan": {
                    **_plan(),
                    "annual_monthly_amount": 1_000,
                    "description": "For one engine",
                    "has_base_fee": True,
                    "instance_id": "ins_2mXjQ9LrKs4yXbTc0DfE6hVnUiO",
                    "interval": 1,
                    "is_default": False,
                    "is_prorated": True,
                    "period": "month",
                    "product_id": "cprod_2mXka9NoQp2sTuVw5XyZaBcDeFg",
                    "publicly_visible": True,
                },
                "plan_period": "month",
                "proration_date": "2025-10-09",
                "status": "active",
            }
        ],
        "totals": {
            "grand_total": _amount(500),
            "per_unit_totals": [{"amount": 300, "currency": "USD", "name": "seats", "quantity": 3, "total": 900}],
            "subtotal": _amount(500),
            "tax_total": _amount(0),
        },
        "updated_at": _MILLISECONDS,
    }


def _waitlist_entry(status: str) -> dict[str, Any]:
    return {
        "created_at": _MILLISECONDS,
        "email_address": "charles@example.com",
        "id": "wle_2mXkb1OpRq3tUvWx6YzAbCdEfGh",
        "invitation": None
        if status == "pending"
        else {
            "created_at": _MILLISECONDS,
            "email_address": "charles@example.com",
            "expires_at": _MILLISECONDS + 2_592_000_000,
            "id": "inv_2mXkc2PqSr4uVwXy7ZaBcDeFgHi",
            "object": "invitation",
            "public_metadata": {},
            "revoked": False,
            "status": "pending",
            "updated_at": _MILLISECONDS,
            "url": "https://accounts.example.com/v1/tickets/accept?ticket=invented",
        },
        "is_locked": False,
        "object": "waitlist_entry",
        "status": status,
        "updated_at": _MILLISECONDS,
    }


def _deleted(kind: str, identity: str) -> dict[str, Any]:
    return {"deleted": True, "id": identity, "object": kind}


#: Event type -> a function that returns new data for it.
SAMPLES: dict[str, Callable[[], dict[str, Any]]] = {
    "user.created": _user,
    "user.updated": _user,
    "user.deleted": lambda: _deleted("user", _USER_ID),
    "session.created": lambda: _session("active"),
    "session.ended": lambda: _session("ended"),
    "session.pending": lambda: _session("pending"),
    "session.removed": lambda: _session("removed"),
    "session.revoked": lambda: _session("revoked"),
    "organization.created": _organization,
    "organization.updated": _organization,
    "organization.deleted": lambda: _deleted("organization", _ORGANIZATION_ID),
    "organizationDomain.created": _domain,
    "organizationDomain.updated": _domain,
    "organizationDomain.deleted": lambda: _deleted("organization_domain", "orgdmn_2mXkG9VwYx2aBcDe5FgHiJkLmNo"),
    "organizationInvitation.created": lambda: _organization_invitation("pending"),
    "organizationInvitation.accepted": _accepted_organization_invitation,
    "organizationInvitation.revoked": lambda: _organization_invitation("revoked"),
    "organizationMembership.created": _membership,
    "organizationMembership.updated": _membership,
    "organizationMembership.deleted": _membership,
    "role.created": _role,
    "role.updated": _role,
    "role.deleted": lambda: _deleted("role", "role_2mXkL4ZaCb6eFgHi9JkLmNoPqRs"),
    "permission.created": _permission,
    "permission.updated": _permission,
    "permission.deleted": lambda: _deleted("permission", "perm_2mXkK3YzBa5dEfGh8IjKlMnOpQr"),
    "email.created": _email,
    "sms.created": _sms,
    "paymentAttempt.created": lambda: _payment_attempt("pending"),
    "paymentAttempt.updated": lambda: _payment_attempt("paid"),
    "subscription.created": lambda: _subscription("active"),
    "subscription.updated": lambda: _subscription("active"),
    "subscription.active": lambda: _subscription("active"),
    "subscription.pastDue": lambda: _subscription("past_due"),
    "subscriptionItem.abandoned": lambda: _subscription_item("abandoned"),
    "subscriptionItem.active": lambda: _subscription_item("active"),
    "subscriptionItem.canceled": lambda: _subscription_item("canceled"),
    "subscriptionItem.created": lambda: _subscription_item("incomplete"),
    "subscriptionItem.ended": lambda: _subscription_item("ended"),
    "subscriptionItem.freeTrialEnding": lambda: {**_subscription_item("active"), "is_free_trial": True},
    "subscriptionItem.incomplete": lambda: _subscription_item("incomplete"),
    "subscriptionItem.pastDue": lambda: _subscription_item("past_due"),
    "subscriptionItem.upcoming": lambda: _subscription_item("upcoming"),
    "subscriptionItem.updated": lambda: _subscription_item("active"),
    "waitlistEntry.created": lambda: _waitlist_entry("pending"),
    "waitlistEntry.updated": lambda: _waitlist_entry("invited"),
}

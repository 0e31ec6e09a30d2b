"""One realistic payload of every event type: invented people, shaped by Clerk's catalogue."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MILLISECONDS = 1_760_000_000_000  # 2025-10-09T08:53:20Z
_USER_ID = "user_2mXk8Qv1T0aZr5NcYw3LpJ7dHsB"
_ORGANIZATION_ID = "org_2mXkA4RzVu9eTgWq6KpM1bNyDxC"
_SESSION_ID = "sess_2mXkC7YtFh3oSjUe8LqP5vBnGwE"


def sample_payload(event_type: str) -> dict[str, Any]:
    """A fresh payload of *event_type*, as Clerk would send it.

    Raises:
        KeyError: It is no type of :data:`.events._catalog.EVENTS`.
    """
    return {
        "data": _DATA[event_type](),
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


def _deleted(kind: str, identity: str) -> dict[str, Any]:
    return {"deleted": True, "id": identity, "object": kind}


_DATA = {
    "organization.created": _organization,
    "organization.deleted": lambda: _deleted("organization", _ORGANIZATION_ID),
    "organization.updated": _organization,
    "session.created": lambda: _session("active"),
    "session.ended": lambda: _session("ended"),
    "session.pending": lambda: _session("pending"),
    "session.removed": lambda: _session("removed"),
    "session.revoked": lambda: _session("revoked"),
    "user.created": _user,
    "user.deleted": lambda: _deleted("user", _USER_ID),
    "user.updated": _user,
}

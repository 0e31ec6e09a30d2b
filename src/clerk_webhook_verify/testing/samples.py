"""One realistic payload for each event type, with invented people and organizations."""

import json
from typing import Any

_MILLISECONDS = 1_760_000_000_000  # 2025-10-09T08:53:20Z
_MONTH = 2_592_000_000
_INSTANCE_ID = "ins_2mXjQ9LrKs4yXbTc0DfE6hVnUiO"


def sample_payload(event_type: str) -> dict[str, Any]:
    """Return a new payload of *event_type*, which must be in ``SAMPLES``."""
    payload = {
        "data": SAMPLES[event_type],
        "event_attributes": {
            "http_request": {
                "client_ip": "203.0.113.7",
                "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            }
        },
        "instance_id": _INSTANCE_ID,
        "object": "event",
        "timestamp": _MILLISECONDS + 1_234,
        "type": event_type,
    }
    copy: dict[str, Any] = json.loads(json.dumps(payload, sort_keys=True))
    return copy


def _id(prefix: str) -> str:
    return f"{prefix}_2mXk8Qv1T0aZr5NcYw3LpJ7dHsB"


def _record(kind: str, identity: str, /, **fields: Any) -> dict[str, Any]:
    return {"object": kind, "id": identity, "created_at": _MILLISECONDS, "updated_at": _MILLISECONDS, **fields}


def _deleted(kind: str, identity: str) -> dict[str, Any]:
    return {"object": kind, "id": identity, "deleted": True}


_VERIFIED = {"attempts": 1, "expire_at": _MILLISECONDS + 600_000, "status": "verified"}
_PERSON = {"first_name": "Ada", "last_name": "Björk", "image_url": "https://img.example.com/ada.png"}
_GOOGLE_ACCOUNT = _record(
    "google_account",
    "idn_2mXk9H6nBd1xCyKm4SoTgVwQfUj",
    approved_scopes="email https://www.googleapis.com/auth/userinfo.profile openid profile",
    avatar_url="https://img.example.com/ada-google.png",
    email_address="ada@example.com",
    external_account_id="eac_2mXkR0VyZl7kDeSn2MpXaBtGhJw",
    family_name="Björk",
    first_name="Ada",
    given_name="Ada",
    google_id="104928374650192837465",
    identification_id="idn_2mXk9H6nBd1xCyKm4SoTgVwQfUj",
    image_url="https://img.example.com/ada-google.png",
    label=None,
    last_name="Björk",
    picture="https://img.example.com/ada-google.png",
    provider="oauth_google",
    provider_user_id="104928374650192837465",
    public_metadata={},
    username=None,
    verification={**_VERIFIED, "attempts": None, "object": "verification_oauth", "strategy": "oauth_google"},
)
_PRIMARY_ADDRESS = _record(
    "email_address",
    "idn_2mXk1W5uJq8GiRfO3tZsPcLvAe",
    email_address="ada@example.com",
    linked_to=[{"id": _GOOGLE_ACCOUNT["id"], "type": "oauth_google"}],
    matches_sso_connection=False,
    reserved=False,
    verification={**_VERIFIED, "object": "verification_otp", "strategy": "email_code"},
)
_PRIVATE_ADDRESS = {
    **_PRIMARY_ADDRESS,
    "email_address": "ada.private@example.org",
    "id": "idn_2mXk2W5uJq8GiRfO3tZsPcLvAe",
    "linked_to": [],
}
_USER = _record(
    "user",
    _id("user"),
    **_PERSON,
    backup_code_enabled=False,
    banned=False,
    bypass_client_trust=False,
    create_organization_enabled=True,
    delete_self_enabled=True,
    email_addresses=[_PRIVATE_ADDRESS, _PRIMARY_ADDRESS],
    enterprise_accounts=[],
    external_accounts=[_GOOGLE_ACCOUNT],
    external_id=None,
    has_image=True,
    last_active_at=_MILLISECONDS,
    last_sign_in_at=None,
    legal_accepted_at=None,
    locale="en",
    locked=False,
    lockout_expires_in_seconds=None,
    mfa_disabled_at=None,
    mfa_enabled_at=None,
    passkeys=[],
    password_enabled=False,
    password_last_updated_at=None,
    phone_numbers=[],
    primary_email_address_id=_PRIMARY_ADDRESS["id"],
    primary_phone_number_id=None,
    primary_web3_wallet_id=None,
    private_metadata={},
    profile_image_url=_PERSON["image_url"],
    public_metadata={"plan": "starter"},
    requires_password_reset=False,
    saml_accounts=[],
    timezone="Europe/London",
    totp_enabled=False,
    two_factor_enabled=False,
    unsafe_metadata={},
    updated_at=_MILLISECONDS + 1_000,
    username=None,
    verification_attempts_remaining=100,
    web3_wallets=[],
)
_SESSION = _record(
    "session",
    _id("sess"),
    abandon_at=_MILLISECONDS + _MONTH,
    actor=None,
    client_id=_id("client"),
    expire_at=_MILLISECONDS + 604_800_000,
    last_active_at=_MILLISECONDS,
    last_active_organization_id=None,
    latest_activity={
        "browser_name": "Firefox",
        "browser_version": "140.0",
        "city": "London",
        "country": "GB",
        "device_type": "Linux",
        "id": _id("sess_activity"),
        "ip_address": "203.0.113.7",
        "is_mobile": False,
        "object": "session_activity",
    },
    status="active",
    user=_USER,
    user_id=_id("user"),
)
_PUBLIC_ORGANIZATION = {
    "has_image": False,
    "id": _id("org"),
    "image_url": "https://img.example.com/analytical-engines.png",
    "name": "Analytical Engines",
    "slug": "analytical-engines",
}
_ORGANIZATION = _record(
    "organization",
    _id("org"),
    **_PUBLIC_ORGANIZATION,
    admin_delete_enabled=True,
    created_by=_id("user"),
    logo_url=None,
    max_allowed_memberships=5,
    private_metadata={},
    public_metadata={},
)
_PUBLIC_USER = {**_PERSON, "has_image": True, "identifier": "ada@example.com", "user_id": _id("user")}
_MEMBERSHIP = _record(
    "organization_membership",
    _id("orgmem"),
    organization={**_ORGANIZATION, "members_count": 2, "pending_invitations_count": 1},
    permissions=["org:sys_profile:manage", "org:sys_memberships:read"],
    public_metadata={},
    public_user_data={**_PUBLIC_USER, "profile_image_url": _PERSON["image_url"], "username": None},
    role="org:admin",
    role_name="Admin",
)
_DOMAIN_VERIFICATION = {**_VERIFIED, "strategy": "affiliation_email_code", "verified_at": _MILLISECONDS}
_DOMAIN = _record(
    "organization_domain",
    _id("orgdmn"),
    affiliation_email_address="ada@example.com",
    affiliation_verification=_DOMAIN_VERIFICATION,
    enrollment_mode="automatic_invitation",
    name="example.com",
    organization_id=_id("org"),
    ownership_verification=None,
    public_organization_data=_PUBLIC_ORGANIZATION,
    total_pending_invitations=0,
    total_pending_suggestions=0,
    verification=_DOMAIN_VERIFICATION,
)
_INVITATION = {
    "email_address": "charles@example.com",
    "expires_at": _MILLISECONDS + _MONTH,
    "public_metadata": {},
    "status": "pending",
    "url": "https://accounts.example.com/v1/tickets/accept?ticket=invented",
}
_ORGANIZATION_INVITATION = _record(
    "organization_invitation",
    _id("orginv"),
    **_INVITATION,
    data={"public_organization_data": _PUBLIC_ORGANIZATION},
    inviter_id=_id("user"),
    organization_id=_id("org"),
    private_metadata={},
    public_inviter_data=_PUBLIC_USER,
    public_organization_data=_PUBLIC_ORGANIZATION,
    role="org:member",
    role_name="Member",
)
_PERMISSION = _record(
    "permission",
    _id("perm"),
    description="May start and stop engines",
    key="org:engines:run",
    name="Run engines",
    type="user",
)
_ROLE = _record(
    "role",
    _id("role"),
    description="Looks after the engines",
    is_creator_eligible=False,
    key="org:engineer",
    name="Engineer",
    permissions=[_PERMISSION],
)
_CODE_MESSAGE = "424242 is your verification code"
_EMAIL = {
    "body": f"<p>{_CODE_MESSAGE}</p>",
    "body_plain": _CODE_MESSAGE,
    "data": {
        "app": {"domain_name": "example.com", "logo_url": None, "name": "Engines", "url": "https://example.com"},
        "otp_code": "424242",
        "requested_at": "9 October 2025, 08:53 UTC",
        "requested_by": "Firefox, Linux",
        "theme": {"primary_color": "#6c47ff"},
    },
    "delivered_by_clerk": True,
    "email_address_id": _PRIMARY_ADDRESS["id"],
    "from_email_name": "notifications",
    "id": _id("ema"),
    "object": "email",
    "reply_to_email_name": None,
    "slug": "verification_code",
    "status": "queued",
    "subject": _CODE_MESSAGE,
    "suppression_reason": None,
    "to_email_address": "ada@example.com",
    "user_id": None,
}
_SMS = {
    "created_at_ms": _MILLISECONDS,
    "data": {"app": {"name": "Engines"}, "otp_code": "424242"},
    "delivered_by_clerk": True,
    "from_phone_number": "+15555550100",
    "id": _id("sms"),
    "message": _CODE_MESSAGE,
    "object": "sms_message",
    "phone_number_id": _id("idn"),
    "slug": "verification_code",
    "status": "queued",
    "to_phone_number": "+15555550199",
    "user_id": None,
}
_PAYER = _record(
    "commerce_payer",
    _id("cpayer"),
    **_PERSON,
    email="ada@example.com",
    organization_id="",
    organization_name="",
    user_id=_id("user"),
)


def _amount(cents: int) -> dict[str, Any]:
    return {"amount": cents, "amount_formatted": f"{cents / 100:.2f}", "currency": "USD", "currency_symbol": "$"}


_PLAN = {
    "amount": 1_200,
    "currency": "USD",
    "id": _id("cplan"),
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
_PERIOD = {"period_end": _MILLISECONDS + _MONTH, "period_start": _MILLISECONDS}
_SUBSCRIPTION_ITEM = _record(
    "subscription_item",
    _id("csub_item"),
    **_PERIOD,
    interval="month",
    is_free_trial=False,
    plan=_PLAN,
    plan_id=_PLAN["id"],
    seats={"quantity": 3},
    subscription_id=_id("csub"),
)


def _subscription_item(status: str) -> dict[str, Any]:
    return {**_SUBSCRIPTION_ITEM, "payer": _PAYER, "status": status}


def _subscription(status: str) -> dict[str, Any]:
    return _record(
        "commerce_subscription",
        _id("csub"),
        active_at=_MILLISECONDS,
        canceled_at=None,
        ended_at=None,
        items=[
            {**_SUBSCRIPTION_ITEM, "object": "commerce_subscription_item", "status": status, "subscription_id": None}
        ],
        latest_payment_id=None,
        past_due_at=_MILLISECONDS if status == "past_due" else None,
        payer=_PAYER,
        payer_id=_PAYER["id"],
        payment_source_id=_id("paymeth"),
        status=status,
    )


_PRORATION = {
    "amount": _amount(600),
    "cycle_days_remaining": 15,
    "cycle_days_total": 30,
    "cycle_remaining_percent": 0.5,
}
_PAID_ITEM = {
    **_PERIOD,
    "amount": _amount(1_200),
    "canceled_at": None,
    "credit": _PRORATION,
    "credits": {
        "payer": {"applied_amount": _amount(100), "remaining_balance": _amount(0)},
        "proration": _PRORATION,
        "total": _amount(700),
    },
    "id": _id("csub_item"),
    "lifetime_paid": 3_600,
    "next_payment_amount": 1_200,
    "next_payment_date": _MILLISECONDS + _MONTH,
    "object": "commerce_subscription_item",
    "past_due_at": None,
    "plan": {
        **_PLAN,
        "annual_monthly_amount": 1_000,
        "description": "For one engine",
        "has_base_fee": True,
        "instance_id": _INSTANCE_ID,
        "interval": 1,
        "is_default": False,
        "is_prorated": True,
        "period": "month",
        "product_id": _id("cprod"),
        "publicly_visible": True,
    },
    "plan_period": "month",
    "proration_date": "2025-10-09",
    "status": "active",
}
_PAYMENT_ATTEMPT = {
    "billing_date": _MILLISECONDS,
    "charge_type": "recurring",
    "created_at": _MILLISECONDS,
    "failed_at": None,
    "failed_reason": None,
    "gateway_external_id": "pi_invented",
    "id": _id("cpayatt"),
    "instance_id": _INSTANCE_ID,
    "invoice_id": _id("cinv"),
    "paid_at": None,
    "payee": {
        "gateway_external_id": "acct_invented",
        "gateway_status": "active",
        "gateway_type": "stripe",
        "id": _id("cpayee"),
    },
    "payer": _PAYER,
    "payment_id": _id("cpay"),
    "payment_source": {
        "card_type": "visa",
        "gateway": "stripe",
        "gateway_external_account_id": None,
        "gateway_external_id": "pm_invented",
        "id": _id("paymeth"),
        "last4": "4242",
        "payment_method": "card",
        "status": "active",
    },
    "statement_id": _id("cstmt"),
    "status": "pending",
    "subscription_items": [_PAID_ITEM],
    "totals": {
        "grand_total": _amount(500),
        "per_unit_totals": [{"amount": 300, "currency": "USD", "name": "seats", "quantity": 3, "total": 900}],
        "subtotal": _amount(500),
        "tax_total": _amount(0),
    },
    "updated_at": _MILLISECONDS,
}
_WAITLIST_ENTRY = _record(
    "waitlist_entry",
    _id("wle"),
    email_address="charles@example.com",
    invitation=None,
    is_locked=False,
    status="pending",
)

SAMPLES: dict[str, dict[str, Any]] = {
    "user.created": _USER,
    "user.updated": _USER,
    "user.deleted": _deleted("user", _id("user")),
    "session.created": _SESSION,
    "session.ended": {**_SESSION, "status": "ended"},
    "session.pending": {**_SESSION, "status": "pending"},
    "session.removed": {**_SESSION, "status": "removed"},
    "session.revoked": {**_SESSION, "status": "revoked"},
    "organization.created": _ORGANIZATION,
    "organization.updated": _ORGANIZATION,
    "organization.deleted": _deleted("organization", _id("org")),
    "organizationDomain.created": _DOMAIN,
    "organizationDomain.updated": _DOMAIN,
    "organizationDomain.deleted": _deleted("organization_domain", _id("orgdmn")),
    "organizationInvitation.created": _ORGANIZATION_INVITATION,
    "organizationInvitation.accepted": {
        **_ORGANIZATION_INVITATION,
        "status": "accepted",
        "user_id": "user_2mXkJ2XyAz4cDeFg7HiJkLmNoPq",
    },
    "organizationInvitation.revoked": {**_ORGANIZATION_INVITATION, "status": "revoked"},
    "organizationMembership.created": _MEMBERSHIP,
    "organizationMembership.updated": _MEMBERSHIP,
    "organizationMembership.deleted": _MEMBERSHIP,
    "role.created": _ROLE,
    "role.updated": _ROLE,
    "role.deleted": _deleted("role", _id("role")),
    "permission.created": _PERMISSION,
    "permission.updated": _PERMISSION,
    "permission.deleted": _deleted("permission", _id("perm")),
    "email.created": _EMAIL,
    "sms.created": _SMS,
    "paymentAttempt.created": _PAYMENT_ATTEMPT,
    "paymentAttempt.updated": {**_PAYMENT_ATTEMPT, "status": "paid", "paid_at": _MILLISECONDS},
    "subscription.created": _subscription("active"),
    "subscription.updated": _subscription("active"),
    "subscription.active": _subscription("active"),
    "subscription.pastDue": _subscription("past_due"),
    "subscriptionItem.abandoned": _subscription_item("abandoned"),
    "subscriptionItem.active": _subscription_item("active"),
    "subscriptionItem.canceled": _subscription_item("canceled"),
    "subscriptionItem.created": _subscription_item("incomplete"),
    "subscriptionItem.ended": _subscription_item("ended"),
    "subscriptionItem.freeTrialEnding": {**_subscription_item("active"), "is_free_trial": True},
    "subscriptionItem.incomplete": _subscription_item("incomplete"),
    "subscriptionItem.pastDue": _subscription_item("past_due"),
    "subscriptionItem.upcoming": _subscription_item("upcoming"),
    "subscriptionItem.updated": _subscription_item("active"),
    "waitlistEntry.created": _WAITLIST_ENTRY,
    "waitlistEntry.updated": {
        **_WAITLIST_ENTRY,
        "status": "invited",
        "invitation": _record("invitation", _id("inv"), **_INVITATION, revoked=False),
    },
}

"""compare.py reports event types and fields that Clerk declares and the library lacks. The inputs are invented."""

import dataclasses
import io
import json
import tarfile

import pytest
from proof.catalog import compare

JSON_D_TS = """\
import type { Something } from '@clerk/shared/types';
export declare const ObjectType: {
    readonly User: "user";
};
export type ObjectType = (typeof ObjectType)[keyof typeof ObjectType];
export interface ClerkResourceJSON {
    /** The kind of resource; isn't it; "quoted"? { } */
    object: ObjectType;
    id: string;
}
export interface UserJSON extends ClerkResourceJSON {
    object: typeof ObjectType.User;
    first_name: string | null; // it's nullable
    timezone: string | null;
    email_addresses: EmailAddressJSON[];
    public_metadata: UserPublicMetadata;
}
export interface EmailAddressJSON extends ClerkResourceJSON {
    email_address: string;
    linked_to: Array<{
        id: string;
        type: 'oauth_google' | 'saml';
    }> | null;
}
export type EmailJSON = ClerkResourceJSON & {
    suppression_reason?: string | null;
    data?: Record<string, any> | null;
};
"""
WEBHOOKS_D_TS = """\
import type { EmailJSON, UserJSON } from './JSON';
type Webhook<EvtType, Data> = {
    type: EvtType;
    object: 'event';
    data: Data;
    instance_id: string;
};
export type UserWebhookEvent = Webhook<'user.created' | 'user.updated', UserJSON> | Webhook<'user.deleted', {
    id?: string;
    deleted: boolean;
}>;
export type EmailWebhookEvent = Webhook<"email.created", EmailJSON>;
export type WebhookEvent = UserWebhookEvent | EmailWebhookEvent;
export type WebhookEventType = WebhookEvent['type'];
"""


def ref(name: str) -> dict:
    return {"$ref": f"#/components/schemas/{name}"}


def openapi_document(*event_types: str) -> dict:
    def path_item(event_type: str) -> dict:
        payload = {"allOf": [ref("WebhookEventPayload"), {"properties": {"data": ref("User")}}]}
        return {"post": {"requestBody": {"content": {"application/json": {"schema": payload}}}}}

    return {
        "openapi": "3.0.3",
        "x-webhooks": {event_type: path_item(event_type) for event_type in event_types},
        "components": {
            "schemas": {
                "WebhookEventPayload": {
                    "type": "object",
                    "properties": {"object": {"type": "string"}, "instance_id": {"type": "string"}},
                },
                "User": {
                    "type": "object",
                    "required": ["id", "email_addresses"],
                    "properties": {
                        "id": {"type": "string"},
                        "email_addresses": {"type": "array", "items": ref("EmailAddress")},
                    },
                },
                "EmailAddress": {
                    "type": "object",
                    "properties": {
                        "email_address": {"type": "string"},
                        "verification": {"nullable": True, "oneOf": [ref("verification_otp")]},
                    },
                },
                "verification_otp": {"type": "object", "properties": {"status": {"type": "string"}}},
            }
        },
    }


@pytest.fixture
def run(tmp_path, capsys):
    """Run the comparison; returns the exit code and the lines that it printed."""

    def run(*arguments: str, openapi: object = None, npm: dict[str, str] | None = None):
        if openapi is not None:
            (tmp_path / "openapi.json").write_text(json.dumps(openapi), "utf-8")
            arguments += ("--openapi", str(tmp_path / "openapi.json"))
        if npm is not None:
            folder = tmp_path / "package" / "dist" / "api" / "resources"
            folder.mkdir(parents=True, exist_ok=True)
            for name, text in npm.items():
                (folder / name).write_text(text, "utf-8")
            arguments += ("--npm", str(tmp_path / "package"))
        exit_code = compare.main(arguments)
        return exit_code, capsys.readouterr().out.splitlines()

    return run


def declarations(json_d_ts: str = JSON_D_TS, webhooks_d_ts: str = WEBHOOKS_D_TS) -> dict[str, str]:
    return {"JSON.d.ts": json_d_ts, "Webhooks.d.ts": webhooks_d_ts}


def test_exits_0_if_nothing_is_missing(run):
    assert run(openapi=openapi_document("user.created", "user.updated"), npm=declarations()) == (0, [])


class TestNpmPackage:
    def test_reports_a_new_event_type(self, run):
        webhooks = WEBHOOKS_D_TS.replace("'user.updated'", "'user.merged'")
        assert run(npm=declarations(webhooks_d_ts=webhooks)) == (
            1,
            ["@clerk/backend: there is no class for user.merged"],
        )

    def test_reports_a_new_field(self, run):
        changed = JSON_D_TS.replace("    timezone:", "    shoe_size?: 'small' | number;\n    timezone:")
        assert run(npm=declarations(changed)) == (
            1,
            ["@clerk/backend: User lacks shoe_size?: 'small' | number  (in UserJSON)"],
        )

    def test_reports_new_fields_of_objects_inside_and_of_bases(self, run):
        changed = JSON_D_TS.replace("        type: 'oauth", "        rank: number;\n        type: 'oauth")
        changed = changed.replace("    id: string;\n}", "    id: string;\n    region: string;\n}")
        exit_code, lines = run(npm=declarations(changed))
        assert exit_code == 1
        assert set(lines) == {
            "@clerk/backend: IdentificationLink lacks rank: number  (in EmailAddressJSON.linked_to)",
            "@clerk/backend: EmailAddress lacks region: string  (in ClerkResourceJSON)",
            "@clerk/backend: Email lacks region: string  (in ClerkResourceJSON)",
            "@clerk/backend: User lacks region: string  (in ClerkResourceJSON)",
        }

    def test_reports_a_new_field_of_the_envelope_once(self, run):
        webhooks = WEBHOOKS_D_TS.replace("    instance_id: string;", "    instance_id: string;\n    attempt: number;")
        assert run(npm=declarations(webhooks_d_ts=webhooks)) == (
            1,
            ["@clerk/backend: Event lacks attempt: number  (in Webhook)"],
        )

    def test_reports_an_object_whose_declaration_it_cannot_see(self, run):
        changed = JSON_D_TS.replace("EmailAddressJSON[]", "Something[]")
        changed = changed.replace("UserJSON extends ClerkResourceJSON", "UserJSON extends SharedUserJSON")
        assert run(npm=declarations(changed)) == (
            1,
            [
                "@clerk/backend: User.email_addresses: no fields are declared for email_addresses: Something[]"
                "  (in UserJSON)",
                "@clerk/backend: User: no fields are declared for SharedUserJSON  (in UserJSON)",
            ],
        )

    def test_would_have_found_the_time_zone_and_the_suppression_reason(self, run, monkeypatch):
        def earlier_fields(cls):
            return [field for field in dataclasses.fields(cls) if field.name not in {"timezone", "suppression_reason"}]

        monkeypatch.setattr(compare, "fields", earlier_fields)
        assert run(npm=declarations()) == (
            1,
            [
                "@clerk/backend: Email lacks suppression_reason?: string | null  (in EmailJSON)",
                "@clerk/backend: User lacks timezone: string | null  (in UserJSON)",
            ],
        )

    def test_reads_the_tarball_as_well(self, run, tmp_path):
        with tarfile.open(tmp_path / "clerk-backend.tgz", "w:gz") as tarball:
            for name, text in declarations(JSON_D_TS.replace("timezone", "time_zone")).items():
                member = tarfile.TarInfo(f"package/dist/api/resources/{name}")
                member.size = len(text.encode())
                tarball.addfile(member, io.BytesIO(text.encode()))
        assert run("--npm", str(tmp_path / "clerk-backend.tgz")) == (
            1,
            ["@clerk/backend: User lacks time_zone: string | null  (in UserJSON)"],
        )


class TestOpenapi:
    def test_reports_a_new_event_type(self, run):
        assert run(openapi=openapi_document("user.created", "user.merged")) == (
            1,
            ["OpenAPI: there is no class for user.merged"],
        )

    def test_reports_new_fields_also_of_objects_inside(self, run):
        document = openapi_document("user.created")
        schemas = document["components"]["schemas"]
        schemas["User"]["properties"]["shoe_size"] = {"type": "integer", "nullable": True}
        schemas["verification_otp"]["properties"]["hints"] = {"type": "array", "items": {"type": ["string", "null"]}}
        assert run(openapi=document) == (
            1,
            [
                "OpenAPI: Verification lacks hints?: array of string | null  (in verification_otp)",
                "OpenAPI: User lacks shoe_size?: integer | null  (in User)",
            ],
        )

    def test_reads_yaml_and_the_key_of_openapi_3_1(self, run, tmp_path):
        yaml = pytest.importorskip("yaml")
        document = openapi_document("user.created", "user.merged")
        document["webhooks"] = document.pop("x-webhooks")
        (tmp_path / "2025-04-15.yml").write_text(yaml.safe_dump(document), "utf-8")
        assert run("--openapi", str(tmp_path / "2025-04-15.yml")) == (
            1,
            ["OpenAPI: there is no class for user.merged"],
        )


class TestUnusableInput:
    @pytest.mark.parametrize("document", [{}, [], {"components": {"schemas": {}}}, openapi_document()])
    def test_exits_2_if_the_openapi_file_is_something_else(self, run, document):
        assert run(openapi=document) == (2, [])

    @pytest.mark.parametrize("name", ["broken.json", "broken.yml", "missing.json"])
    def test_exits_2_if_the_openapi_file_cannot_be_read(self, run, tmp_path, name):
        if not name.startswith("missing"):
            (tmp_path / name).write_text("{", "utf-8")
        assert run("--openapi", str(tmp_path / name)) == (2, [])

    def test_exits_2_if_the_package_has_no_declarations(self, run, tmp_path):
        (tmp_path / "empty").mkdir()
        (tmp_path / "broken.tgz").write_bytes(b"x")
        assert run("--npm", str(tmp_path / "empty")) == (2, [])
        assert run("--npm", str(tmp_path / "broken.tgz")) == (2, [])

    def test_exits_2_if_the_declarations_have_another_form(self, run):
        assert run(npm=declarations(webhooks_d_ts="export {};")) == (2, [])
        assert run(npm=declarations(webhooks_d_ts="type A = Webhook<UserEventType, UserJSON>;")) == (2, [])
        assert run(npm=declarations(webhooks_d_ts="type A = Webhook<'user.created'>;")) == (2, [])

    def test_exits_2_without_input(self, run):
        with pytest.raises(SystemExit) as caught:
            run()
        assert caught.value.code == 2

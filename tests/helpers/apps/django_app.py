"""The endpoint in Django, one file for WSGI and ASGI. The secret comes from the environment."""

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from clerk_webhook_verify import AnyEvent, Event, RejectedRequest
from clerk_webhook_verify.django import clerk_webhook

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["*"],
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],  # REST framework needs them
        MIDDLEWARE=[
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
        ],
        ROOT_URLCONF=__name__,
        SECRET_KEY="of the tests",
        USE_TZ=True,
    )
django.setup()


@clerk_webhook()
def hook(request: HttpRequest, event: Event, tenant: str) -> HttpResponse:
    return JsonResponse({"type": event.type, "tenant": tenant, "body_again": len(request.body)})


@clerk_webhook(on_rejected=RejectedRequest.to_json)
def quiet(request: HttpRequest, event: AnyEvent) -> None:
    return None


@clerk_webhook()
async def later(request: HttpRequest, event: Event) -> HttpResponse:
    return JsonResponse({"type": event.type})


@clerk_webhook()
def fails(request: HttpRequest, event: Event) -> None:
    raise RuntimeError("the handler's own error")


def consumed(request: HttpRequest) -> HttpResponse:
    request.read()
    return quiet(request)


def form(request: HttpRequest) -> HttpResponse:
    len(request.POST)
    return quiet(request)


consumed.csrf_exempt = form.csrf_exempt = True

urlpatterns = [
    path("hook/<str:tenant>", hook),
    path("quiet", quiet),
    path("async", later),
    path("fails", fails),
    path("consumed", consumed),
    path("form", form),
]
wsgi = get_wsgi_application()
asgi = get_asgi_application()

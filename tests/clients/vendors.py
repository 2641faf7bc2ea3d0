"""Makes requests again with the vendors' own libraries. Arguments: the vendor, and a file with a list of requests, as the golden cases
have them, each with the events that it carries. Every value goes through the library's own parameters and types, under the name that
the library knows it by. Prints for each request what the library sent, or why it did not."""

import base64
import importlib
import inspect
import json
import logging
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

# What every library is given to prove itself with.
TOKEN = "token-of-the-test"


class Recorder:
    """A server on this machine that keeps what it is sent, for libraries that take another address but no other transport."""

    def __init__(self):
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def record(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                recorder.sent = sent(self.command, self.path, self.headers.items(), body)
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_DELETE = do_GET = do_PATCH = do_POST = do_PUT = record

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{server.server_port}"

    def record(self, home, call):
        """What `call` sends; `home` is where the library sends it by itself."""
        self.sent = None
        failed = None
        try:
            call()
        except Exception as error:  # Most libraries make nothing of the recorder's answer.
            failed = error
        if self.sent is None:
            raise failed
        return {**self.sent, "url": home + self.sent["url"]}


def sent(method, url, headers, body):
    text = body.decode() if isinstance(body, bytes) else body
    return {"method": method, "url": url, "headers": {name.lower(): value for name, value in headers}, "body": text}


def chosen(request, calls):
    """The library's call for a method and a path, and what stands in the path's places."""
    path = urlsplit(request["target"]).path
    for (method, pattern), call in calls.items():
        places = re.fullmatch(pattern, path)
        if method == request["method"] and places:
            return call, [unquote(place) for place in places.groups()]
    raise LookupError(f"the library is not known to call {request['method']} {path}")


def square(_):
    import typing

    import httpx
    from square import Square
    from square.core.api_error import ApiError
    from square.core.serialization import FieldMetadata
    from typing_extensions import NotRequired, Required, get_args, get_origin, get_type_hints, is_typeddict

    kept = []

    def keep(request):
        kept.append(sent(request.method, str(request.url), request.headers.items(), request.content))
        return httpx.Response(200, json={})

    def bare(hint):
        """The type within Optional, NotRequired and the like, and the name on the wire that is written beside it."""
        wire = None
        while get_origin(hint) in (typing.Annotated, typing.Union, NotRequired, Required):
            inner, *notes = get_args(hint)
            if get_origin(hint) is typing.Annotated:
                wire = next((note.alias for note in notes if isinstance(note, FieldMetadata)), wire)
            hint = inner
        return hint, wire

    def typed(hints, value):
        """The library hands an unknown name on; its own hints say which names there are."""
        known = {}
        for name, hint in hints.items():
            hint, wire = bare(hint)
            known[wire or name] = (name, hint)
        fields = {}
        for wire, inner in value.items():
            if wire not in known:
                raise TypeError(f"there is no {wire} among {sorted(known)}")
            name, hint = known[wire]
            fields[name] = typed(get_type_hints(hint, include_extras=True), inner) if is_typeddict(hint) else inner
        return fields

    def replay(request):
        client = Square(token=TOKEN, httpx_client=httpx.Client(transport=httpx.MockTransport(keep)))
        customers = client.customers
        call, places = chosen(request, {
            ("POST", "/v2/customers/search"): customers.search,
            ("POST", "/v2/customers"): customers.create,
            ("PUT", "/v2/customers/([^/]+)"): customers.update,
        })
        kept.clear()
        try:
            call(*places, **typed(get_type_hints(call, include_extras=True), request["body"]))
        except ApiError:
            pass
        return kept[-1]

    return replay


def twilio(_):
    from twilio.http import HttpClient
    from twilio.http.response import Response
    from twilio.rest import Client

    kept = []

    class Recording(HttpClient):
        def __init__(self):
            super().__init__(logging.getLogger(), False)

        def request(self, method, url, params=None, data=None, headers=None, auth=None, **_):
            proof = {"authorization": "Basic " + base64.b64encode(":".join(auth).encode()).decode()}
            kept.append(sent(method, url, {**headers, **proof}.items(), urlencode(data)))
            return Response(201, "{}")

    def replay(request):
        fields = dict(parse_qsl(request["body"], keep_blank_values=True))
        names = {name: re.sub("(?<!^)(?=[A-Z])", "_", name).lower() for name in fields}
        arguments = {"from_" if names[name] == "from" else names[name]: value for name, value in fields.items()}
        calls = {("POST", r"/2010-04-01/Accounts/(\w+)/Messages\.json"): None}
        _, [account] = chosen(request, calls)
        Client("SK-of-the-test", TOKEN, account, http_client=Recording()).messages.create(**arguments)
        return kept[-1]

    return replay


def slack(recorder):
    from slack_sdk import WebClient

    known = inspect.signature(WebClient.chat_postMessage).parameters

    def replay(request):
        chosen(request, {("POST", r"/api/chat\.postMessage"): None})
        # The method would send a name that it does not know as it is.
        strange = [name for name in request["body"] if name not in known]
        if strange:
            raise TypeError(f"chat.postMessage has no {strange}")
        client = WebClient(TOKEN, base_url=recorder.address)
        home = WebClient.BASE_URL.rstrip("/")
        return recorder.record(home, lambda: client.chat_postMessage(**request["body"]))

    return replay


def hubspot(recorder):
    from hubspot import HubSpot

    def typed(models, name, value):
        """The library's own type of that name; one that lacks a field refuses it."""
        nested = re.fullmatch(r"list\[(\w+)\]", name)
        if nested:
            return [typed(models, nested[1], one) for one in value]
        model = getattr(models, name, None)
        if model is None:
            return value
        names = {wire: name for name, wire in model.attribute_map.items()}
        fields = {}
        for wire, inner in value.items():
            if wire not in names:
                raise TypeError(f"{name} has no {wire}")
            fields[names[wire]] = typed(models, model.openapi_types[names[wire]], inner)
        return model(**fields)

    def replay(request):
        crm = HubSpot(access_token=TOKEN).crm
        objects = {"contacts": crm.contacts, "deals": crm.deals}
        batch = r"/crm/v3/objects/(\w+)/batch/"
        what, places = chosen(request, {
            ("POST", batch + "upsert"): ("upsert", "BatchInputSimplePublicObjectBatchInputUpsert"),
            ("POST", batch + "update"): ("update", "BatchInputSimplePublicObjectBatchInput"),
            ("POST", batch + "read"): ("read", "BatchReadInputSimplePublicObjectId"),
            ("POST", r"/crm/v4/associations/(\w+)/(\w+)/batch/create"): ("create", "BatchInputPublicAssociationMultiPost"),
        })
        method, body = what
        if len(places) == 1:
            api, arguments = objects[places[0]].batch_api, []
            models = importlib.import_module(f"hubspot.crm.{places[0]}.models")
        else:
            api, arguments = crm.associations.v4.batch_api, places
            models = importlib.import_module("hubspot.crm.associations.v4.models")
        configuration = api.api_client.configuration
        home, configuration.host = configuration.host, recorder.address
        value = typed(models, body, request["body"])
        return recorder.record(home, lambda: getattr(api, method)(*arguments, value))

    return replay


def klaviyo(recorder):
    import openapi_client
    from klaviyo_api import KlaviyoAPI

    client = KlaviyoAPI(TOKEN, max_retries=0, test_host=recorder.address)
    home = openapi_client.Configuration().host
    profiles, events = client.Profiles, client.Events
    calls = {
        ("POST", "/api/profile-import"): (profiles.create_or_update_profile, "ProfileUpsertQuery"),
        ("POST", "/api/events"): (events.create_event, "EventCreateQueryV2"),
        ("POST", "/api/profile-subscription-bulk-create-jobs"): (
            profiles.bulk_subscribe_profiles,
            "SubscriptionCreateJobCreateQuery",
        ),
        ("POST", "/api/profile-subscription-bulk-delete-jobs"): (
            profiles.bulk_unsubscribe_profiles,
            "SubscriptionDeleteJobCreateQuery",
        ),
    }

    def replay(request):
        (call, body), _ = chosen(request, calls)
        value = getattr(openapi_client, body).model_validate(request["body"])
        return recorder.record(home, lambda: call(value))

    return replay


def mailchimp(recorder):
    from mailchimp_marketing import Client

    def replay(request):
        parts = urlsplit(request["target"])
        client = Client({"api_key": TOKEN, "server": parts.hostname.split(".")[0]})
        api = client.api_client
        home = api.host.replace("server", api.server)
        api.host = recorder.address
        lists = client.lists
        member = "/3.0/lists/([^/]+)/members/([^/]+)"
        call, places = chosen(request, {
            ("PUT", member): lists.set_list_member,
            ("PATCH", member): lists.update_list_member,
            ("POST", member + "/tags"): lists.update_list_member_tags,
            ("DELETE", member): lists.delete_list_member,
            ("POST", member + "/actions/delete-permanent"): lists.delete_list_member_permanent,
            ("GET", "/3.0/lists/([^/]+)"): lists.get_list,
        })
        # The library takes any body. What ours holds is compared with the vendor's page, in vendors.rs.
        body = [request["body"]] if request["body"] else []
        options = dict(parse_qsl(parts.query))
        if "fields" in options:
            options["fields"] = options["fields"].split(",")
        return recorder.record(home, lambda: call(*places, *body, **options))

    return replay


def meta(_):
    from facebook_business.adobjects.serverside.action_source import ActionSource
    from facebook_business.adobjects.serverside.app_data import AppData
    from facebook_business.adobjects.serverside.content import Content
    from facebook_business.adobjects.serverside.custom_data import CustomData
    from facebook_business.adobjects.serverside.event import Event
    from facebook_business.adobjects.serverside.event_request import EventRequest
    from facebook_business.adobjects.serverside.extended_device_info import ExtendedDeviceInfo
    from facebook_business.adobjects.serverside.gender import Gender
    from facebook_business.adobjects.serverside.http_service_interface import HttpServiceInterface
    from facebook_business.adobjects.serverside.user_data import UserData

    kept = []

    class Recording(HttpServiceInterface):
        def execute(self, url, method, request_options, headers, params):
            # The library writes the token, each event as text, and currencies in small letters.
            params.pop("access_token")
            params["data"] = [json.loads(event) for event in params["data"]]
            for event in params["data"]:
                custom = event.get("custom_data", {})
                if "currency" in custom:
                    custom["currency"] = custom["currency"].upper()
            kept.append(sent(method, url, [], json.dumps(params)))

    def clear(source):
        """The customer as the event has them, so that the library spells and hashes each value itself."""
        data = source["data"]
        customer = data.get("customer", {})
        traits = customer.get("traits", {})
        order = data.get("order", {})
        address = order.get("billing_address") or order.get("shipping_address") or (traits.get("addresses") or [{}])[0]
        named = {one["namespace"]: one["value"] for one in customer.get("identifiers", [])}
        # Meta wants names without punctuation; its library leaves it in.
        name = {part: re.sub(r"[^\w ]", "", traits.get(part, "")) for part in ("given_name", "family_name")}
        return {
            "em": named.get("email") or traits.get("email") or order.get("email"),
            "ph": named.get("phone") or traits.get("phone") or traits.get("mobile"),
            "fn": name["given_name"],
            "ln": name["family_name"],
            "db": traits.get("birth_date", "").replace("-", ""),
            "ge": traits.get("gender") and Gender[traits["gender"].upper()],
            "ct": address.get("city"),
            "st": address.get("region_code") or address.get("region"),
            "zp": address.get("postal_code"),
            "country": address.get("country_code"),
        }

    hashed = {
        "em": "email",
        "ph": "phone",
        "fn": "first_name",
        "ln": "last_name",
        "db": "date_of_birth",
        "ge": "gender",
        "ct": "city",
        "st": "state",
        "zp": "zip_code",
        "country": "country_code",
    }

    def user(given, source):
        values = clear(source)
        fields = {}
        for name, value in given.items():
            if name in hashed:
                fields[hashed[name]] = values[name]
            elif name == "external_id":
                fields["external_ids"] = value
            else:
                fields[name] = value
        return UserData(**fields)

    def event(given, source):
        fields = dict(given)
        fields["user_data"] = user(given["user_data"], source)
        fields["action_source"] = ActionSource(given["action_source"])
        if "custom_data" in given:
            custom = dict(given["custom_data"])
            if "contents" in custom:
                custom["contents"] = [
                    Content(**{"product_id" if name == "id" else name: value for name, value in one.items()})
                    for one in custom["contents"]
                ]
            fields["custom_data"] = CustomData(**custom)
        if "app_data" in given:
            app = dict(given["app_data"])
            app["extinfo"] = ExtendedDeviceInfo(*app["extinfo"])
            fields["app_data"] = AppData(**app)
        return Event(**fields)

    def replay(request):
        _, [_, dataset] = chosen(request, {("POST", r"/(v[\d.]+)/(\d+)/events"): None})
        rest = dict(request["body"])
        events = [event(*pair) for pair in zip(rest.pop("data"), request["events"])]
        EventRequest(dataset, events, http_client=Recording(), access_token=TOKEN, **rest).execute()
        return kept[-1]

    return replay


def google_ads(_):
    from google.ads.googleads.interceptors import MetadataInterceptor
    from google.protobuf import json_format

    def replay(request):
        # The library speaks gRPC. The path is Google's mapping of it to REST:
        # https://developers.google.com/google-ads/api/rest/design/resource-names
        _, [version, customer] = chosen(request, {("POST", r"/(v\d+)/customers/(\d+):uploadClickConversions"): None})
        home = f"google.ads.googleads.{version}.services"
        service = importlib.import_module(f"{home}.services.conversion_upload_service").ConversionUploadServiceClient
        types = importlib.import_module(f"{home}.types.conversion_upload_service")
        message = types.UploadClickConversionsRequest.pb(types.UploadClickConversionsRequest())
        # A name, a value of an enumeration or a type that the protocol does not have is refused.
        json_format.ParseDict(request["body"], message)
        proofs = MetadataInterceptor(request["headers"]["developer-token"], request["headers"].get("login-customer-id"))
        headers = [proof for proof in (proofs.developer_token_meta, proofs.login_customer_id_meta) if proof]
        url = f"https://{service.DEFAULT_ENDPOINT}/{version}/customers/{customer}:uploadClickConversions"
        return sent("POST", url, headers, json.dumps(json_format.MessageToDict(message)))

    return replay


def parquet(_):
    """The store that most take the files to."""
    import botocore.session
    from botocore.awsrequest import AWSResponse
    from botocore.config import Config

    kept = []

    class Nothing:
        def stream(self, *_, **__):
            return iter([b""])

    def keep(request, **_):
        headers = [(name, value.decode() if isinstance(value, bytes) else value) for name, value in request.headers.items()]
        kept.append(sent(request.method, request.url, headers, request.body.read()))
        return AWSResponse(request.url, 200, {}, Nothing())

    session = botocore.session.Session()
    session.set_credentials("key-of-the-test", TOKEN)

    def replay(request):
        parts = urlsplit(request["target"])
        bucket, service, region, _ = parts.hostname.split(".", 3)
        [key] = chosen(request, {("PUT", "/(events/.+)"): None})[1]
        config = Config(request_checksum_calculation="when_required")
        client = session.create_client(service, region_name=region, config=config)
        client.meta.events.register("before-send.s3.PutObject", keep)
        client.put_object(Bucket=bucket, Key=key, Body=request["body"], ContentType=request["headers"]["content-type"])
        return kept[-1]

    return replay


VENDORS = {
    "google-ads": google_ads,
    "hubspot": hubspot,
    "klaviyo": klaviyo,
    "mailchimp": mailchimp,
    "meta": meta,
    "parquet": parquet,
    "slack": slack,
    "square": square,
    "twilio": twilio,
}


def answer(replay, request):
    try:
        return replay(request)
    except Exception as error:
        return {"refused": f"{type(error).__name__}: {error}"}


def main(vendor, path):
    replay = VENDORS[vendor](Recorder())
    with open(path, encoding="utf-8") as file:
        requests = json.load(file)
    print(json.dumps([answer(replay, request) for request in requests]))


main(*sys.argv[1:])

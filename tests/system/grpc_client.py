"""Drives a broker from another language: server reflection and a client certificate, no generated
code of ours. What docs/reference/api.md shows, and a little more.

    grpc_client.py CONTEXT_FOLDER HOST:PORT
"""
import base64, datetime, json, os, pathlib, sys

import grpc
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from google.protobuf import descriptor_pool, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

folder, address = pathlib.Path(sys.argv[1]), sys.argv[2]
read = lambda name: (folder / name).read_bytes()
channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(
    root_certificates=read("ca.pem"), private_key=read("key.pem"), certificate_chain=read("certificate.pem")))
reflected = ProtoReflectionDescriptorDatabase(channel)
pool = descriptor_pool.DescriptorPool(reflected)


def message(name):
    full = name if "." in name else f"breakglass.v1.{name}"
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(full))


def call(service, method, request, answer):
    path = f"/{service if '.' in service else 'breakglass.v1.' + service}/{method}"
    return channel.unary_unary(path, type(request).SerializeToString, message(answer).FromString)(request, timeout=20)


def need(holds, what):
    if not holds:
        sys.exit(f"grpc_client: {what}")
    print(f"ok  {what}")


services = set(reflected.get_services())
need({"breakglass.v1.GrantService", "breakglass.v1.LedgerService", "grpc.health.v1.Health"} <= services,
     "reflection names the services")

health = call("grpc.health.v1.Health", "Check", message("grpc.health.v1.HealthCheckRequest")(),
              "grpc.health.v1.HealthCheckResponse")
need(health.status == 1, "health says SERVING")

me = call("IdentityService", "WhoAmI", message("WhoAmIRequest")(), "WhoAmIResponse")
need(me.person == "mia" and me.origin, f"WhoAmI: {me.person} at {me.origin}")
status = call("StatusService", "GetStatus", message("GetStatusRequest")(), "GetStatusResponse")
need(status.version and status.checkpoint.startswith(me.origin + "\n"), f"GetStatus: glassd {status.version}")

key = load_pem_private_key(read("key.pem"), None)


def signed(act, **lines):
    now = datetime.datetime.now(datetime.timezone.utc)
    values = {"origin": me.origin, "by": me.person,
              "at": now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03}Z", **lines,
              "nonce": base64.urlsafe_b64encode(os.urandom(16)).rstrip(b"=").decode()}
    escaped = lambda value: value.replace("\\", "\\\\").replace("\n", "\\n")
    text = f"breakglass/v1 {act}\n" + "".join(f"{name}: {escaped(value)}\n" for name, value in values.items())
    return message("Signed")(text=text, signature=key.sign(text.encode(), ec.ECDSA(SHA256())))


request = message("OpenIncidentRequest")(signed=signed("open-incident", severity="sev2", title="opened from Python"))
opened = call("IncidentService", "OpenIncident", request, "OpenIncidentResponse")
entry = json.loads(opened.receipt.entry)
need(entry["kind"] == "incident.opened" and entry["by"] == "mia", f"OpenIncident: {opened.incident.id}")
need(entry["signed"]["text"] == request.signed.text, "the entry holds what was signed")

note = message("NoteIncidentRequest")(signed=signed("note", incident=opened.incident.id, text="two\nlines \\ and more"))
call("IncidentService", "NoteIncident", note, "NoteIncidentResponse")
try:
    call("IncidentService", "NoteIncident", note, "NoteIncidentResponse")
    sys.exit("grpc_client: a statement was taken twice")
except grpc.RpcError as refused:
    details = dict(refused.trailing_metadata()).get("grpc-status-details-bin", b"")
    need(refused.code() == grpc.StatusCode.ALREADY_EXISTS and b"STATEMENT_REPLAYED" in details,
         f"a replay is refused: {refused.details()}")

asked = message("ListEntriesRequest")(incident=opened.incident.id, oldest_first=True)
page = call("LedgerService", "ListEntries", asked, "ListEntriesResponse")
kinds = [json.loads(entry.line)["kind"] for entry in page.entries]
need(kinds == ["incident.opened", "incident.noted", "refused"], f"ListEntries: {', '.join(kinds)}")

stranger = grpc.secure_channel(address, grpc.ssl_channel_credentials(root_certificates=read("ca.pem")))
path, who = "/breakglass.v1.IdentityService/WhoAmI", message("WhoAmIRequest")
try:
    stranger.unary_unary(path, who.SerializeToString, message("WhoAmIResponse").FromString)(who(), timeout=20)
    sys.exit("grpc_client: a stranger was answered")
except grpc.RpcError as refused:
    need(refused.code() == grpc.StatusCode.UNAUTHENTICATED, f"without a certificate: {refused.details()}")

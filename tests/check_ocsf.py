"""Holds events to the published schema of OCSF: `check_ocsf.py FILE`, one event or one array of them a line.

The schema is that of the package `ocsf-json-schema`, compiled from https://schema.ocsf.io.
"""
import json, sys
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

VERSION = "1.5.0"


def validators():
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(VERSION))
    known = {}

    def of(uid):
        if uid not in known:
            name = schema.lookup_class_name_from_uid(uid)
            known[uid] = Draft202012Validator(schema.get_class_schema(name))
        return known[uid]

    return of


def main(path):
    of, checked, wrong = validators(), 0, []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            events = json.loads(line)
            for event in events if isinstance(events, list) else [events]:
                checked += 1
                kind = event["metadata"]["event_code"]
                wrong += [f"{kind}: {'.'.join(map(str, it.path))}: {it.message[:300]}" for it in of(event["class_uid"]).iter_errors(event)]
    print("\n".join(wrong) or f"{checked} events are of OCSF {VERSION}")
    return 1 if wrong or not checked else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

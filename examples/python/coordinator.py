#!/usr/bin/python3
"""A coordinator that asks a Pool Hub who should run a job, and reports how it went. Only the standard library.

    POOLHUB_SECRET=... ./coordinator.py --hub http://127.0.0.1:8203 --region eu --max-price 0.8 --min-vram-gb 8
"""

import argparse
import json
import os
import sys
import urllib.error
import urllib.request
import uuid


class HubError(Exception):
    """The hub refused or could not be reached; the text is for a person."""


def post(hub, path, secret, body):
    request = urllib.request.Request(
        hub.rstrip("/") + path,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {secret}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        # Errors are problem details (RFC 9457): what is wrong, and which field.
        try:
            problem = json.load(error)
        except ValueError:
            problem = {}
        text = problem.get("detail") or problem.get("title") or error.reason
        if problem.get("field"):
            text = f"{problem['field']}: {text}"
        if error.headers.get("Retry-After"):
            text += f" (try again in {error.headers['Retry-After']} s)"
        raise HubError(f"{error.code} {text}") from error
    except OSError as error:
        raise HubError(f"cannot reach the hub at {hub}: {error}") from error


def without_none(**fields):
    """The hub refuses fields that it does not know and takes absent ones as not asked for."""
    return {name: value for name, value in fields.items() if value not in (None, [])}


def match_request(args):
    return without_none(
        job_id=args.job_id,
        requirements=without_none(
            task=args.task,
            min_vram_gb=args.min_vram_gb,
            min_ram_gb=args.min_ram_gb,
            accel=args.accel,
            tags_any=args.tag,
            capabilities_any=args.capability),
        hints=without_none(region=args.region, max_price=args.max_price, deadline_ms=args.deadline_ms),
        top_k=args.top_k,
        hold_ms=args.hold_ms)


def show(answer):
    for place, candidate in enumerate(answer["candidates"], start=1):
        eta = f"{candidate['eta_ms']} ms" if "eta_ms" in candidate else "unknown"
        degraded = " (degraded)" if candidate.get("degraded") else ""
        print(f"{place}. {candidate['miner_id']}{degraded} at {candidate['proto']}://{candidate['addr']}"
              f"  score {candidate['score']:.3f}  price {candidate['price']}  eta {eta}")
    if not answer["candidates"]:
        print("no miner fits; left after each clause:")
        for clause in answer["clauses"]:
            print(f"  {clause['clause']}: {clause['left']}")
    print(answer["explain"])


def parse(argv):
    parser = argparse.ArgumentParser(description="Asks a Pool Hub for miners and reports an outcome.")
    parser.add_argument("--hub", default="http://127.0.0.1:8203", help="(%(default)s)")
    parser.add_argument("--secret", default=os.environ.get("POOLHUB_SECRET"),
                        help="the coordinators' shared secret; better given as POOLHUB_SECRET, which ps does not show")
    parser.add_argument("--job-id", default=str(uuid.uuid4()))
    parser.add_argument("--task")
    parser.add_argument("--min-vram-gb", type=float)
    parser.add_argument("--min-ram-gb", type=float)
    parser.add_argument("--accel", action="append", default=[])
    parser.add_argument("--tag", action="append", default=[])
    parser.add_argument("--capability", action="append", default=[])
    parser.add_argument("--region")
    parser.add_argument("--max-price", type=float)
    parser.add_argument("--deadline-ms", type=int)
    parser.add_argument("--top-k", type=int, default=3)
    parser.add_argument("--hold-ms", type=int,
                        help="hold a slot of each candidate for so long; the report ends the holds")
    parser.add_argument("--outcome", choices=["accepted", "rejected", "failed", "completed", "none"], default="completed",
                        help="what to report of the best candidate (%(default)s)")
    parser.add_argument("--latency-ms", type=int, help="how long the job took, for the report")
    parser.add_argument("--fail-code", help="why it failed, for the report")
    args = parser.parse_args(argv)
    if not args.secret:
        parser.error("set POOLHUB_SECRET or give --secret")
    return args


def main(argv=None):
    args = parse(argv)
    try:
        answer = post(args.hub, "/v1/match", args.secret, match_request(args))
        show(answer)
        if not answer["candidates"]:
            return 2
        # Here a real coordinator sends the job to the best candidate, and to the next if that one is gone.
        if args.outcome != "none":
            feedback = post(args.hub, "/v1/feedback", args.secret, without_none(
                job_id=answer["job_id"],
                match_id=answer["match_id"],
                miner_id=answer["candidates"][0]["miner_id"],
                outcome=args.outcome,
                latency_ms=args.latency_ms,
                fail_code=args.fail_code))
            print(f"feedback {feedback['status']}, trust is now {feedback['trust_score']:.3f}")
        return 0
    except HubError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())

"""Writes the certificates that Mozilla's certdata.txt trusts for TLS servers as PEM, sorted by name.

An authority distrusted from some day on may still have signed certificates before it. Plain bundles cannot say so; it is left out
once none of those can be valid any more: TLS server certificates live 398 days at most.
"""

import base64
import calendar
import os
import re
import sys
import textwrap
import time

LONGEST_LIFE_S = 398 * 86400
BUILD_TIME_S = int(os.environ["SOURCE_DATE_EPOCH"])


def objects(path):
    """The objects of the file, each a dictionary of attributes; octal blocks become bytes."""
    current, octal = {}, None
    with open(path, encoding="utf-8") as file:
        for line in file:
            line = line.strip()
            if octal is not None:
                if line == "END":
                    current[octal[0]] = bytes(octal[1])
                    octal = None
                else:
                    octal[1].extend(int(digits, 8) for digits in re.findall(r"\\([0-7]{3})", line))
                continue
            if line.startswith("#"):
                continue
            name, _, rest = line.partition(" ")
            if name == "CKA_CLASS" and current:
                yield current
                current = {}
            if rest == "MULTILINE_OCTAL":
                octal = (name, bytearray())
            elif rest:
                current[name] = rest.split(" ", 1)[-1]
    yield current


def identity(entry):
    return entry["CKA_ISSUER"], entry["CKA_SERIAL_NUMBER"]


def is_spent(entry):
    """Whether nothing this authority signed while it was trusted can be valid."""
    distrust_after = entry.get("CKA_NSS_SERVER_DISTRUST_AFTER")
    if not isinstance(distrust_after, bytes):
        return False
    day = time.strptime(distrust_after.decode("ascii"), "%y%m%d%H%M%SZ")
    return calendar.timegm(day) + LONGEST_LIFE_S < BUILD_TIME_S


def main():
    entries = list(objects(sys.argv[1]))
    trusted = {
        identity(entry)
        for entry in entries
        if entry.get("CKA_CLASS") == "CKO_NSS_TRUST" and entry.get("CKA_TRUST_SERVER_AUTH") == "CKT_NSS_TRUSTED_DELEGATOR"
    }
    certificates = [entry for entry in entries if entry.get("CKA_CLASS") == "CKO_CERTIFICATE"]
    for entry in sorted(certificates, key=lambda entry: (entry["CKA_LABEL"], entry["CKA_VALUE"])):
        if identity(entry) not in trusted or is_spent(entry):
            continue
        body = "\n".join(textwrap.wrap(base64.b64encode(entry["CKA_VALUE"]).decode("ascii"), 64))
        label = entry["CKA_LABEL"].strip('"').encode().decode("unicode_escape").encode("latin-1").decode("utf-8")
        print(f"# {label}\n-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")


main()

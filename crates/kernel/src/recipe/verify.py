"""Compares the configuration Kconfig made with what fragments ask for and contracts promise.

verify.py CONFIG REQUESTS PROMISES: tables of tab-separated lines, `symbol value place` and `symbol allowed contract reason`.
"""
import sys

config, requests, promises = (open(path, encoding="utf-8").read().splitlines() for path in sys.argv[1:4])
final = dict(line.split("=", 1) for line in config if line.startswith("CONFIG_"))
failures = 0

def fail(message):
    global failures
    failures += 1
    print("error: " + message, file=sys.stderr)

for line in requests:
    symbol, wanted, place = line.split("\t")
    value = final.get(symbol, "n")
    if value != wanted:
        fail(f"{place} asks for {symbol}={wanted}, and Kconfig makes it {value}; `cargo xtask kernel why {symbol}` tells why")
for line in promises:
    symbol, allowed, contract, reason = line.split("\t")
    value = final.get(symbol, "n")
    if value not in (["y", "m"] if allowed == "y-or-m" else [allowed]):
        fail(f"contract {contract} wants {symbol} to be {allowed}, and it is {value} ({reason})")
print(f"{len(requests)} options asked for, {len(promises)} promised, {failures} wrong; {len(final)} set in all")
sys.exit(1 if failures else 0)

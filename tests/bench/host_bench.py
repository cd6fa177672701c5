# SPDX-License-Identifier: MIT
"""Modules in other hosts: what a value costs there, against the project's own tree call."""

from bench import stop

URI = "./Vendor/MSFT/DMClient/Provider/P0/HelpPhoneNumber"


def bench_omadm(bench):
    agent = bench.agent(bench.make_state(1))
    try:
        bench.run("bench-omadm", bench.build / "hosts/dmclient-omadm.so", bench.socket, URI,
                  *([2] if bench.quick else []))
    finally:
        stop(agent)
        bench.services.remove(agent)


def bench_osconfig(bench):
    agent = bench.agent(bench.make_state(1))
    try:
        bench.run("bench-osconfig", bench.build / "hosts/dmclient-osconfig.so", bench.socket,
                  "./Device/Vendor/MSFT/DMClient/Provider?list=StructData", *([2] if bench.quick else []))
    finally:
        stop(agent)
        bench.services.remove(agent)

"""A poller swarm: many clients at given rates against any server, and what it measured.

=========  ====================================================================================
plan       what to do: clients, rates, requests; checked once
shots      requests made beforehand, each with the answer that is expected
histogram  latencies in logarithmic buckets
tally      what was counted: answers, errors by kind, latencies; a snapshot for the live line
verdict    was the load generator itself the limit, and is the result within its thresholds
sockets    one client's socket: connecting, reading, writing what the kernel takes
clients    one client: requests in flight, answers matched; MBAP, and framings of serial lines
secured    one client over TLS
swarm      the loop: epoll, schedule, timeouts, ramp
report     the result in words and as JSON
=========  ====================================================================================
"""

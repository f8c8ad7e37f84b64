"""What makes Faust keep its word: each class names the defect it answers and the test that fails without it.

Written for exactly one version each of faust-streaming, mode-streaming and aiokafka (``engine_check``); nothing
here is patched into those libraries. The plug-in points are theirs: a transport under our own URL scheme and the
settings ``Table`` and ``TableManager``.

ledger        how far a partition may be committed
consumer      acknowledgements, commits and seeks of the source partitions
fetching      the loop between the fetched records and the agents' queues
thread        the consumer's own thread: fetches that know which seeks they came after
recovery      what happens between the last changelog record and the first event
tables        state that is durable when ``save`` returns
local         its local copy, by partition, written whole
store         that copy thrown away when it is broken
transport     the three of them under the scheme ``safekafka``
engine_check  the versions and the sources all of this was written for
"""

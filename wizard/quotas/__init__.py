"""Lambda's concurrency in every region: what holds, what to do with it meanwhile, asking AWS for more, what became of it.

limits reads, advice reckons and words, requests judges and settles a request, remembered keeps what was seen.
"""
